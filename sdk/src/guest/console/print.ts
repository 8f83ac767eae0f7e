/** Prints values as text, whatever they are. Depth, breadth and length are bounded. */
import { stackOf } from '../../contract/wire-error.js';

/** Limits of a printed value: levels, entries per level, characters in all. */
export const [DEPTH, ENTRIES, LENGTH] = [4, 50, 8_000];

/** A value as a label: short. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : print(value).slice(0, 200);
}

/** A value as a part of a line: a text as it is. */
export const show = (value: unknown): string => (typeof value === 'string' ? value : print(value));

/** A value by itself. Never throws. */
export function print(value: unknown, depth = DEPTH): string {
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
