/**
 * The default sink for log entries: the console of the host, for entries that a person should see.
 */
import type { LogLevel } from '@plinth/sdk/contract';
import { escapeLine, logLine } from './log-line.js';
import type { LogEntry } from './logger.js';

type Console = Readonly<Record<LogLevel, (text: string) => void>>;

/** The most lines of one entry that are printed. */
const MAX_LINES = 64;

/**
 * Prints warnings, errors, and the console output of plugins. Lines after the first are indented.
 *
 * @param all whether every entry is printed.
 */
export function consoleSink(entry: LogEntry, all = false): void {
  const { console: written, level } = entry;
  if (!all && written !== true && level !== 'warn' && level !== 'error') return;
  const { console } = globalThis as { readonly console?: Console };
  const { stack, ...fields } = entry.fields ?? {};
  const [first = '', ...more] = entry.message.split('\n', MAX_LINES);
  const frames = typeof stack === 'string' ? stack.split('\n', MAX_LINES) : [];
  const rest = [
    ...more.map((line) => `  | ${escapeLine(line)}`),
    ...frames.map((line) => `    ${escapeLine(line.trim())}`),
  ];
  console?.[level]([logLine({ ...entry, message: first, fields }), ...rest].join('\n'));
}
