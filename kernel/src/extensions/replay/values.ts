/** Values of a recording: as JSON where that is exact, else in the codec for processes. */

import { MessageWriter, readMessage } from '@plinth/sdk/codec';
import { errorToWire, isStreamSource } from '@plinth/sdk/contract';
import {
  boundsOf,
  decodeError,
  decodeValue,
  encode,
  encodeValue,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  NO_BOUNDS,
  type StreamDoor,
} from '@plinth/sdk/rpc';
import type { Entry } from './recording.js';

/** A value as an entry holds it. Undefined has neither. */
export type Written = Pick<Entry, 'value' | 'codec'>;

const WIDEST = boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH);
const HEAD = 4;

/** Thrown for a value that holds a stream. */
export class HoldsStream extends Error {}

const NO_STREAMS: StreamDoor = {
  isSource: isStreamSource,
  open() {
    throw new HoldsStream('a stream is not recorded');
  },
  accept() {
    throw new HoldsStream('a stream is not recorded');
  },
};

/** @throws HoldsStream, or what the codec throws for a value that it can't write. */
export function written(value: unknown): Written {
  const plain = encode(value, NO_STREAMS, NO_BOUNDS).value;
  if (plain === undefined) return {};
  if (isJson(plain)) return { value: plain };
  return { codec: base64Of(new MessageWriter(WIDEST).write(plain).subarray(HEAD)) };
}

/** An error without its stack, which differs from build to build. */
export const writtenError = (error: unknown): Written =>
  written(errorToWire(error, false, encodeValue));

/** A value with its errors. @throws for what is no value. */
export const read = (entry: Written): unknown => decodeValue(plainOf(entry), undefined, NO_BOUNDS);

/** An error. */
export const readError = (entry: Written): Error => decodeError(plainOf(entry), undefined);

/** A value as it travels: errors in it are records. */
export function plainOf({ value, codec }: Written): unknown {
  return typeof codec === 'string' ? readMessage(bytesOf(codec), WIDEST) : value;
}

/** Whether JSON gives back exactly this. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isJson);
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) &&
    Object.entries(value).every(([key, item]) => key !== '__proto__' && isJson(item))
  );
}

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Whether two values as they travel are the same. The order of an object's keys doesn't count. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Date) return Object.is(one.getTime(), (other as Date).getTime());
  if (one instanceof RegExp) return String(one) === String(other);
  if (one instanceof ArrayBuffer)
    return isSameList([...new Uint8Array(one)], [...new Uint8Array(other as ArrayBuffer)]);
  if (ArrayBuffer.isView(one)) return isSameList(bytesIn(one), bytesIn(other as ArrayBufferView));
  if (one instanceof Map) return isSameList([...one], [...(other as Map<unknown, unknown>)]);
  if (one instanceof Set) return isSameList([...one], [...(other as Set<unknown>)]);
  if (Array.isArray(one)) return isSameList(one, other as unknown[]);
  const [keys, theirs] = [Object.keys(one), Object.keys(other)];
  return (
    keys.length === theirs.length &&
    keys.every(
      (key) =>
        Object.hasOwn(other, key) &&
        isSame((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
    )
  );
}

const bytesIn = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => [
  ...new Uint8Array(buffer, byteOffset, byteLength),
];

const isSameList = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((item, index) => isSame(item, other[index]));
