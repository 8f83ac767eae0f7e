/** Values as JSON Schema sees them: their types, lengths, and which of them are equal. */
import { type Steps, TooManySteps } from './steps.js';

/** The deepest value that is checked. */
export const MAX_DEPTH = 512;

/** The JSON Schema type of a value. Values outside JSON have a type that no schema can name. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'object') return typeof value;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null ||
    prototype === Object.prototype ||
    Object.getPrototypeOf(prototype) === null
    ? 'object'
    : 'other';
}

/** Counts characters, not UTF-16 code units. */
export function lengthOf(text: string, steps: Steps): number {
  steps.take(text.length >> 3);
  let length = text.length;
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0xdc00 || code > 0xdfff) continue;
    const before = text.charCodeAt(at - 1);
    if (before >= 0xd800 && before <= 0xdbff) length -= 1;
  }
  return length;
}

/** A key that only equal values share: the value itself, or a text of its contents. */
export function identityOf(value: unknown, steps: Steps): unknown {
  if (typeof value === 'string') {
    steps.take(4 + (value.length >> 4));
    return value.startsWith('\0') ? `\0"${value}` : value;
  }
  if (value === null || typeof value !== 'object') return value === 0 ? 0 : value;
  const out: string[] = ['\0'];
  describe(value, out, steps, 0);
  return out.join('');
}

function describe(value: unknown, out: string[], steps: Steps, depth: number): void {
  steps.take(4);
  if (depth > MAX_DEPTH) throw new TooManySteps('it is nested too deep');
  if (Array.isArray(value)) {
    out.push('[');
    for (const one of value) {
      describe(one, out, steps, depth + 1);
      out.push(',');
    }
    out.push(']');
  } else if (typeOf(value) === 'object') {
    out.push('{');
    const own = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(own).sort();
    steps.take(keys.length * 2);
    for (const key of keys) {
      if (own[key] === undefined) continue;
      out.push(JSON.stringify(key), ':');
      describe(own[key], out, steps, depth + 1);
      out.push(',');
    }
    out.push('}');
  } else if (typeof value === 'string') {
    steps.take(value.length >> 3);
    out.push(JSON.stringify(value));
  } else if (typeof value === 'object' && value !== null) {
    // A value outside JSON equals nothing.
    others += 1;
    out.push(`other ${others}`);
  } else out.push(typeof value === 'bigint' ? `${value}n` : String(value === 0 ? 0 : value));
}

let others = 0;
