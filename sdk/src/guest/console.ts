/**
 * The `console` of plugin code writes to the plugin's log, with the same methods and formatting in
 * every runtime. Depth, breadth and length of printed values are bounded.
 */
import { stackOf } from '../contract/wire-error.js';

type Level = 'debug' | 'info' | 'warn' | 'error';
type Log = (level: Level, message: string) => void;

/** Limits of a printed value: levels, entries per level, characters in all. */
const [DEPTH, ENTRIES, LENGTH] = [4, 50, 8_000];
/** Limits of a table: rows, columns, and characters of a cell. */
const [ROWS, COLUMNS, CELL] = [100, 16, 40];
/** Most labels kept for timers and counters. */
const LABELS = 256;

/** Replaces the console of a realm that belongs to one plugin. */
export function bridgeConsole(scope: object, log: Log): void {
  let indent = '';
  const timers = new Map<string, number>();
  const counts = new Map<string, number>();
  const write = (level: Level, text: string) =>
    log(level, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
  const at =
    (level: Level) =>
    (...values: unknown[]) =>
      write(level, format(values));
  const group = (...values: unknown[]) => {
    if (values.length > 0) write('info', format(values));
    if (indent.length < 40) indent += '  ';
  };
  const lapse = (label: unknown, values: readonly unknown[], what: string) => {
    const name = textOf(label);
    const since = timers.get(name);
    if (since === undefined) write('warn', `there is no timer '${name}' to ${what}`);
    else
      write('info', format([`${name}: ${(performance.now() - since).toFixed(3)} ms`, ...values]));
    return name;
  };
  const dir = (value?: unknown) => write('info', print(value));
  const console = {
    debug: at('debug'),
    log: at('info'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    dir,
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
    count(label: unknown = 'default') {
      const name = textOf(label);
      const count = (counts.get(name) ?? 0) + 1;
      if (counts.size < LABELS || counts.has(name)) counts.set(name, count);
      write('info', `${name}: ${count}`);
    },
    countReset: (label: unknown = 'default') => void counts.delete(textOf(label)),
    time(label: unknown = 'default') {
      const name = textOf(label);
      if (timers.has(name)) write('warn', `there is a timer '${name}' already`);
      else if (timers.size < LABELS) timers.set(name, performance.now());
    },
    timeLog: (label: unknown = 'default', ...values: unknown[]) =>
      void lapse(label, values, 'look at'),
    timeEnd: (label: unknown = 'default') => void timers.delete(lapse(label, [], 'end')),
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

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : print(value).slice(0, 200);
}

/**
 * Formats values in one line. A leading string may place the next ones by `%s`, `%d`, `%i`, `%f`,
 * `%o`, `%O`, `%j` and `%c`.
 */
function format([first, ...rest]: readonly unknown[]): string {
  if (typeof first !== 'string') return [first, ...rest].slice(0, ENTRIES).map(show).join(' ');
  let used = 0;
  const text = first.slice(0, LENGTH).replace(/%([sdifoOjc%])/g, (whole, kind: string) => {
    if (kind === '%') return '%';
    if (used >= rest.length) return whole;
    const value = rest[used++];
    if (kind === 'c') return '';
    if (kind === 's')
      return typeof value === 'object' && value !== null ? print(value, 1) : show(value);
    if (kind === 'o' || kind === 'O' || kind === 'j') return print(value);
    if (typeof value === 'bigint' && kind !== 'f') return `${value}n`;
    if (typeof value === 'symbol' || typeof value === 'object') return 'NaN';
    return String(
      kind === 'i'
        ? Math.trunc(Number.parseFloat(String(value)))
        : kind === 'f'
          ? Number.parseFloat(String(value))
          : Number(value),
    );
  });
  return [text, ...rest.slice(used, used + ENTRIES).map(show)].join(' ');
}

const show = (value: unknown): string => (typeof value === 'string' ? value : print(value));

function print(value: unknown, depth = DEPTH): string {
  try {
    const text = new Printer(depth).print(value, []);
    return text.length > LENGTH ? `${text.slice(0, LENGTH)}…` : text;
  } catch {
    // A getter, a proxy or an iterator of the value threw.
    return 'a value that cannot be printed';
  }
}

/** Prints one value. */
class Printer {
  readonly #depth: number;
  #length = 0;

  constructor(depth: number) {
    this.#depth = depth;
  }

  print(value: unknown, above: readonly object[]): string {
    const text = this.#text(value, above);
    this.#length += text.length;
    return text;
  }

  #text(value: unknown, above: readonly object[]): string {
    if (typeof value === 'string')
      return above.length === 0
        ? value
        : JSON.stringify(value.length > 1_000 ? `${value.slice(0, 1_000)}…` : value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return String(value);
    if (typeof value === 'function')
      return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function'} ${String(value.name) || '(anonymous)'}]`;
    if (typeof value !== 'object' || value === null)
      return Object.is(value, -0) ? '-0' : String(value);
    if (above.includes(value)) return '[circular]';
    if (value instanceof Error) return this.#error(value, above);
    if (value instanceof Date)
      return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet)
      return `${nameOf(value)} {}`;
    const within = [...above, value];
    const closed = within.length > this.#depth || this.#length > LENGTH;
    if (Array.isArray(value))
      return closed
        ? `[Array(${value.length})]`
        : this.#list('[', value.length, value, ']', (one) => this.print(one, within));
    if (value instanceof Map) {
      const entry = ([key, one]: readonly [unknown, unknown]) =>
        `${this.print(key, within)} => ${this.print(one, within)}`;
      return closed
        ? `[Map(${value.size})]`
        : this.#list(`Map(${value.size}) {`, value.size, value, '}', entry);
    }
    if (value instanceof Set)
      return closed
        ? `[Set(${value.size})]`
        : this.#list(`Set(${value.size}) {`, value.size, value, '}', (one) =>
            this.print(one, within),
          );
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
    if (ArrayBuffer.isView(value)) {
      const items = value as unknown as { readonly length?: number } & Iterable<unknown>;
      return items.length === undefined || closed
        ? `${nameOf(value)}(${value.byteLength} bytes)`
        : this.#list(`${nameOf(value)}(${items.length}) [`, items.length, items, ']', String);
    }
    const name = nameOf(value);
    const prefix = name === 'Object' ? '' : `${name} `;
    if (closed) return `[${name}]`;
    const keys = Object.keys(value);
    const member = (key: string) =>
      `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${this.print((value as Record<string, unknown>)[key], within)}`;
    return keys.length === 0
      ? `${prefix}{}`
      : this.#list(`${prefix}{ `, keys.length, keys, ' }', member);
  }

  #list<T>(
    open: string,
    count: number,
    items: Iterable<T>,
    close: string,
    one: (item: T) => string,
  ): string {
    const parts: string[] = [];
    for (const item of items) {
      if (parts.length === ENTRIES || this.#length > LENGTH) {
        parts.push(`… ${count - parts.length} more`);
        break;
      }
      parts.push(one(item));
    }
    return open + parts.join(', ') + close;
  }

  #error(error: Error, above: readonly object[]): string {
    if (above.length > 0) return `[${error.name}: ${error.message}]`;
    const own = Object.keys(error).filter((key) => key !== 'cause' && key !== 'errors');
    const members =
      error instanceof AggregateError
        ? error.errors.slice(0, ENTRIES).map((one) => `\n  ${show(one)}`)
        : [];
    const facts =
      own.length === 0
        ? ''
        : ` ${this.print(Object.fromEntries(own.map((key) => [key, (error as unknown as Record<string, unknown>)[key]])), [error])}`;
    return (stackOf(error) ?? `${error.name}: ${error.message}`) + facts + members.join('');
  }
}

function nameOf(value: object): string {
  if (Object.getPrototypeOf(value) === null) return 'Object';
  const name = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'Object';
}

/** Rows with aligned columns; undefined for a value without rows. */
function tableOf(rows: unknown, only: unknown): string | undefined {
  if (rows === null || typeof rows !== 'object') return undefined;
  try {
    const entries: (readonly [string, unknown])[] =
      rows instanceof Map
        ? [...rows].map(([key, row]) => [textOf(key), row] as const)
        : rows instanceof Set
          ? [...rows].map((row, n) => [String(n), row] as const)
          : Object.entries(rows);
    const shown = entries.slice(0, ROWS);
    const isRow = (row: unknown): row is Record<string, unknown> =>
      row !== null && typeof row === 'object';
    const keys = Array.isArray(only)
      ? only.map(String)
      : [...new Set(shown.flatMap(([, row]) => (isRow(row) ? Object.keys(row) : [])))];
    const columns = keys.slice(0, COLUMNS);
    const plain = shown.some(([, row]) => !isRow(row));
    const cell = (value: unknown) => {
      const text = print(value, 1).replaceAll('\n', ' ');
      return text.length > CELL ? `${text.slice(0, CELL - 1)}…` : text;
    };
    const head = ['(index)', ...columns, ...(plain ? ['value'] : [])];
    const lines = shown.map(([key, row]) => [
      key,
      ...columns.map((column) => (isRow(row) && column in row ? cell(row[column]) : '')),
      ...(plain ? [isRow(row) ? '' : cell(row)] : []),
    ]);
    const widths = head.map((title, n) =>
      Math.max(title.length, ...lines.map((line) => (line[n] as string).length)),
    );
    const line = (cells: readonly string[]) =>
      cells
        .map((text, n) => text.padEnd(widths[n] as number))
        .join(' | ')
        .trimEnd();
    const more = entries.length > ROWS ? [`… ${entries.length - ROWS} more`] : [];
    return [
      line(head),
      widths.map((width) => '-'.repeat(width)).join('-|-'),
      ...lines.map(line),
      ...more,
    ].join('\n');
  } catch {
    return undefined;
  }
}
