/** Keys and values as bytes. */
import { createHash, randomBytes } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { createError, messageOf } from '@plinth/sdk/contract';

/** A value that is ready to be written. */
export interface Encoded {
  /** As V8 serializes it. */
  readonly value: Uint8Array;
  /** SHA-256 of the key and the value. */
  readonly digest: Uint8Array;
  /** Another one for each write, by which a change sees that nothing came between. */
  readonly revision: Uint8Array;
}

/** Bytes of a key that an index of each database takes. */
const LONGEST_KEY = 2_400;

/**
 * A key as bytes, whose order is that of the texts: any text, also one that is no Unicode.
 *
 * @throws PluginValidationError `storage/invalid-key`.
 */
export function bytesOfKey(key: string): Uint8Array {
  // A copy without the pool that it is made in, which would travel with it.
  const bytes = new Uint8Array(Buffer.from(key, 'utf16le').swap16());
  if (bytes.length > LONGEST_KEY)
    throw createError(
      'storage/invalid-key',
      `a key has at most ${LONGEST_KEY / 2} characters, not ${key.length}`,
    );
  return bytes;
}

/** The text of a key; undefined for bytes that another program has written. */
export const keyOfBytes = (bytes: Uint8Array): string | undefined =>
  bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : undefined;

/** The first bytes above all that begin with a prefix; undefined when there are none. */
export function above(prefix: Uint8Array): Uint8Array | undefined {
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  if (last < 0) return undefined;
  const end = prefix.slice(0, last + 1);
  end[last] = (end[last] as number) + 1;
  return end;
}

/** @throws PluginError `storage/failed` for what can't be kept. */
export function encode(key: string, keyBytes: Uint8Array, value: unknown): Encoded {
  const bytes = serialized(key, value);
  return {
    value: bytes,
    digest: digestOf(keyBytes, bytes),
    revision: randomBytes(16),
  };
}

/** @throws PluginError `storage/failed` for what can't be kept. */
export function serialized(key: string, value: unknown): Uint8Array {
  try {
    return serialize(value);
  } catch (cause) {
    throw createError('storage/failed', `cannot store '${printable(key)}': ${messageOf(cause)}`, {
      details: { key: printable(key) },
      cause,
    });
  }
}

/** Reads a sound value. @throws PluginError `storage/failed` for one of a later runtime. */
export function decode(key: string, value: Uint8Array, where: string): unknown {
  try {
    return deserialize(value);
  } catch (cause) {
    throw createError(
      'storage/failed',
      `cannot read '${printable(key)}' in ${where}: it is sound, but this runtime cannot decode it: ${messageOf(cause)}`,
      { details: { key: printable(key), database: where }, cause },
    );
  }
}

/** The digest that is kept beside a value. */
export const digestOf = (key: Uint8Array, value: Uint8Array): Uint8Array =>
  createHash('sha256').update(key).update(value).digest();

/** Whether two have the same bytes. */
export const same = (one: Uint8Array, other: Uint8Array): boolean =>
  Buffer.compare(one, other) === 0;

/** A key as messages show it. */
export const printable = (key: string): string => key.replaceAll('\0', '/').slice(0, 200);
