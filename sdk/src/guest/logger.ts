/** The log of a plugin, as its context and its runtime write to it. */
import type { PluginContext } from '../context.js';
import { messageOf } from '../contract/errors.js';
import { LOG_LEVELS, type LogLevel, Op } from '../contract/operations.js';
import { cutText, withoutBundle } from '../contract/wire-error.js';
import type { Link } from '../rpc/link.js';

/**
 * Lines posted one by one per window, its length in milliseconds, and how many of the lines beyond
 * go together.
 */
const [AT_ONCE, WINDOW, EACH] = [256, 100, 64];

/**
 * The plugin's log: one-way notes. A full link drops entries rather than stopping the plugin.
 *
 * @param console whether the plugin's console writes to it.
 */
export function createLogger(link: Link, console = false): PluginContext['logger'] {
  let since = 0;
  let lines = 0;
  /** A message per line of a flood would cost more than the flood. */
  const isDue = () => {
    const now = performance.now();
    if (now - since > WINDOW) [since, lines] = [now, 0];
    lines += 1;
    return lines <= AT_ONCE || lines % EACH === 0;
  };
  const log =
    (level: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
      const write = (what: typeof fields) => {
        const text = cutText(withoutBundle(String(message)), 16_384);
        const number = LOG_LEVELS.indexOf(level);
        link.note(Op.log, what, console ? [number, text, 1] : [number, text]);
        // Flushed at once: the code that follows may never end this turn.
        if (isDue()) link.flush();
      };
      try {
        write(fields);
      } catch (error) {
        // A field can't cross, or the link is full or closed: logging must never break the plugin.
        try {
          if (fields !== undefined) write({ dropped: messageOf(error) });
        } catch {
          // The link can't carry even this.
        }
      }
    };
  return Object.freeze({
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  });
}
