/**
 * Any value of a plugin as text for people. The work is bounded by what is shown, not by the size
 * of the value: a plugin chooses the value.
 */
import { escapeLine } from '@plinth/kernel';

/** Bounds of one text. */
interface Bounds {
  /** Values that are visited. */
  readonly values: number;
  readonly characters: number;
  /** Spaces for each level; 0 writes one line. */
  readonly indent: number;
}

const MOST_DEPTH = 20;

/** Like JSON over several lines, with a notation for what JSON lacks. */
export const showValue = (value: unknown): string =>
  write(value, { values: 5_000, characters: 20_000, indent: 2 });

/** The same in one line, shorter. */
export const summarise = (value: unknown): string =>
  value === undefined ? '' : write(value, { values: 60, characters: 400, indent: 0 });

/** A plugin's own words on one line: escaped, so that they can't change how other text looks. */
export function plainText(text: unknown, most = 200): string {
  const whole = String(text);
  return escapeLine(whole.slice(0, most)) + (whole.length > most ? '…' : '');
}

/** An error in words, with its code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return plainText(error, 1_000);
  const { message, code } = error as Error & { readonly code?: unknown };
  return plainText(typeof code === 'string' ? `${message} (${code})` : message, 1_000);
}

function write(value: unknown, bounds: Bounds): string {
  const writer = new Writer(bounds);
  writer.add(value, 0);
  return writer.text;
}

class Writer {
  readonly #bounds: Bounds;
  readonly #parts: string[] = [];
  #values = 0;
  #characters = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get text(): string {
    return this.#parts.join('') + (this.#isFull() ? ' …' : '');
  }

  add(value: unknown, depth: number): void {
    if (this.#isFull()) return;
    this.#values += 1;
    const simple = this.#simple(value);
    if (simple !== undefined) return this.#put(simple);
    if (depth >= MOST_DEPTH) return this.#put('…');
    if (value instanceof Map) this.#list('Map {', '}', value, depth, true);
    else if (value instanceof Set) this.#list('Set [', ']', value, depth, false);
    else if (Array.isArray(value)) this.#list('[', ']', value, depth, false);
    else this.#list('{', '}', entriesOf(value as object), depth, true);
  }

  #list(open: string, close: string, items: Iterable<unknown>, depth: number, named: boolean) {
    this.#put(open);
    const { indent } = this.#bounds;
    const line = (level: number) => (indent === 0 ? '' : `\n${' '.repeat(indent * level)}`);
    let count = 0;
    for (const item of items) {
      if (this.#isFull()) break;
      this.#put((count++ === 0 ? '' : indent === 0 ? ', ' : ',') + line(depth + 1));
      if (!named) {
        this.add(item, depth + 1);
        continue;
      }
      const [key, value] = item as readonly [unknown, unknown];
      this.#put(`${this.#simple(key) ?? 'object'}: `);
      this.add(value, depth + 1);
    }
    this.#put(`${count === 0 ? '' : line(depth)}${close}`);
  }

  /** Undefined for what has parts. */
  #simple(value: unknown): string | undefined {
    if (typeof value === 'string') return this.#quoted(value);
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null) return String(value);
    if (value instanceof Error) return plainText(`${value.name}: ${value.message}`, 1_000);
    if (value instanceof Date || value instanceof RegExp) return plainText(value);
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value))
      return `${value.byteLength} bytes`;
    return undefined;
  }

  #quoted(text: string): string {
    const room = Math.max(this.#bounds.characters - this.#characters, 0);
    const cut = text.length > room;
    const more = cut ? `… (${text.length} characters)` : '';
    return `${escapeLine(JSON.stringify(cut ? text.slice(0, room) : text))}${more}`;
  }

  #put(text: string): void {
    this.#parts.push(text);
    this.#characters += text.length;
  }

  #isFull(): boolean {
    return this.#values >= this.#bounds.values || this.#characters >= this.#bounds.characters;
  }
}

/** Own properties. An engine lists the keys of an object only as a whole; their values are not copied. */
function* entriesOf(value: object): Iterable<readonly [string, unknown]> {
  for (const key in value)
    if (Object.hasOwn(value, key)) yield [key, (value as Record<string, unknown>)[key]];
}
