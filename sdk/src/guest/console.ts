/** `console` of plugin code writes to the plugin's log, in every runtime. */

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;

/** Replaces the console of a realm that belongs to one plugin. */
export function bridgeConsole(scope: object, log: Log): void {
  const write =
    (level: Parameters<Log>[0]) =>
    (...values: unknown[]) =>
      log(level, values.map(print).join(' '));
  const console = { debug: write('debug'), trace: write('debug'), log: write('info'), info: write('info'), warn: write('warn'), error: write('error'), assert() {} };
  console.assert = (holds?: unknown, ...values: unknown[]) => {
    if (!holds) console.error('assertion failed', ...values);
  };
  Object.defineProperty(scope, 'console', { value: Object.freeze(console), writable: true, configurable: true, enumerable: false });
}

function print(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    if (value instanceof Error) return value.stack ?? value.message;
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
