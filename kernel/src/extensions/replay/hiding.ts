/** Keeps secrets out of recordings: in texts, in what is nested, and in bytes. */
import type { Redaction } from '../../telemetry/redaction.js';

/** What hides secrets. */
export type Hiding = Pick<Redaction, 'text' | 'value'>;

/** A copy of a value in which secrets are replaced. The value itself when it has none. */
export function hidden(value: unknown, hiding: Hiding): unknown {
  return withoutBytes(hiding.value(value), hiding);
}

/** Bodies of requests are bytes. */
function withoutBytes(value: unknown, hiding: Hiding): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof ArrayBuffer) {
    const bytes = new Uint8Array(value);
    const clean = cleanBytes(bytes, hiding);
    return clean === bytes ? value : clean.buffer;
  }
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const clean = cleanBytes(bytes, hiding);
    return clean === bytes ? value : clean;
  }
  const nested = (one: unknown) => withoutBytes(one, hiding);
  if (Array.isArray(value)) return copied(value, value.map(nested));
  if (value instanceof Map)
    return new Map([...value].map(([key, item]) => [nested(key), nested(item)]));
  if (value instanceof Set) return new Set([...value].map(nested));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  const clean = entries.map(([, item]) => nested(item));
  return clean.every((item, index) => item === entries[index]?.[1])
    ? value
    : Object.fromEntries(entries.map(([key], index) => [key, clean[index]]));
}

const copied = (before: readonly unknown[], after: readonly unknown[]) =>
  after.every((item, index) => item === before[index]) ? before : after;

/** The bytes as text, with secrets replaced. Bytes without a secret stay as they are. */
function cleanBytes(bytes: Uint8Array, hiding: Hiding): Uint8Array {
  // One character a byte: no sequence of bytes is lost, and a secret in UTF-8 is found as such.
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  const decoded = new TextDecoder().decode(bytes);
  const clean = hiding.text(decoded);
  if (clean !== decoded) return new TextEncoder().encode(clean);
  const latin = hiding.text(text);
  return latin === text ? bytes : Uint8Array.from(latin, (letter) => letter.charCodeAt(0));
}
