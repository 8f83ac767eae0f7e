/** Records that stand for what structured clone cannot carry: errors, streams, pieces of buffers. */
import { errorFromWire, errorToWire, type WireError } from '../contract/wire-error.js';
import type { StreamDoor } from './stream-door.js';
import { isWholeView, ownBytes } from './views.js';

/**
 * Errors travel inside values as records under this key. No honest value can hold it, because
 * outgoing objects with it are refused.
 */
export const ERROR_KEY = '\u0001plinth:error';
/** Streams travel as records with their number under this key. */
export const STREAM_KEY = '\u0001plinth:stream';

/** The replacement of a part, or undefined when the part stays. */
type Rewrite = (value: object) => object | undefined;

/** Copies a checked value, replacing the parts for which `change` returns something. */
export function rewrite(value: unknown, change: Rewrite): unknown {
  if (value === null || typeof value !== 'object') return value;
  const changed = change(value);
  if (changed !== undefined) return changed;
  if (Array.isArray(value)) return value.map((item) => rewrite(item, change));
  if (value instanceof Map)
    return new Map([...value].map(([key, item]) => [rewrite(key, change), rewrite(item, change)]));
  if (value instanceof Set) return new Set([...value].map((item) => rewrite(item, change)));
  if (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  )
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, rewrite(item, change)]),
  );
}

/** Replaces what structured clone cannot carry. */
export function outwards(
  streams: StreamDoor | undefined,
  stacks: boolean,
  details: (details: unknown) => unknown,
): Rewrite {
  return (value) => {
    if (streams?.isSource(value)) return { [STREAM_KEY]: streams.open(value) };
    if (value instanceof Error)
      return {
        [ERROR_KEY]: errorToWire(value, stacks, details),
      };
    return ArrayBuffer.isView(value) && !isWholeView(value) ? ownBytes(value) : undefined;
  };
}

/** Turns the records of a value back. */
export const inwards =
  (
    plugin: string | undefined,
    streams: StreamDoor | undefined,
    details: (details: unknown) => unknown,
  ): Rewrite =>
  (value) => {
    if (Object.hasOwn(value, ERROR_KEY))
      return errorFromWire((value as Record<string, WireError>)[ERROR_KEY], {
        plugin,
        decode: details,
      });
    if (streams !== undefined && Object.hasOwn(value, STREAM_KEY))
      return streams.accept((value as Record<string, number>)[STREAM_KEY] as number);
    return undefined;
  };
