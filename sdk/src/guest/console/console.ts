/**
 * The `console` of plugin code writes to the plugin's log, with the same methods and formatting in
 * every runtime. Depth, breadth and length of printed values are bounded.
 */
import { stackOf } from '../../contract/wire-error.js';
import { format } from './format.js';
import { createCounters, createTimers, type Level, type Write } from './labels.js';
import { print } from './print.js';
import { tableOf } from './table.js';

/** Replaces the console of a realm that belongs to one plugin. */
export function bridgeConsole(scope: object, log: Write): void {
  let indent = '';
  const write: Write = (level, text) =>
    log(level, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
  const at =
    (level: Level) =>
    (...values: unknown[]) =>
      write(level, format(values));
  const group = (...values: unknown[]) => {
    if (values.length > 0) write('info', format(values));
    if (indent.length < 40) indent += '  ';
  };
  const console = {
    debug: at('debug'),
    log: at('info'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    dir: (value?: unknown) => write('info', print(value)),
    dirxml: at('info'),
    group,
    groupCollapsed: group,
    groupEnd() {
      indent = indent.slice(2);
    },
    table: (rows?: unknown, columns?: unknown) =>
      write('info', tableOf(rows, columns) ?? print(rows)),
    trace(...values: unknown[]) {
      const stack = (stackOf(new Error()) ?? '')
        .split('\n')
        .filter((line) => !/^\w*Error\b/.test(line));
      write('debug', `Trace: ${format(values)}\n${stack.join('\n')}`);
    },
    assert(holds?: unknown, ...values: unknown[]) {
      if (!holds)
        write(
          'error',
          values.length === 0
            ? 'assertion failed'
            : format(
                typeof values[0] === 'string'
                  ? [`assertion failed: ${values[0]}`, ...values.slice(1)]
                  : ['assertion failed:', ...values],
              ),
        );
    },
    ...createCounters(write),
    ...createTimers(write),
    clear() {},
    timeStamp() {},
    profile() {},
    profileEnd() {},
  };
  Object.defineProperty(scope, 'console', {
    value: Object.freeze(console),
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
