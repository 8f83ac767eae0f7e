/**
 * Values on the wire: one set of rules for every isolation. Outgoing values are checked on the side
 * that sends them, so the error names the path where the author can fix it. Incoming values are
 * checked because a guest may post anything.
 *
 * Allowed: null, undefined, booleans, numbers, bigint, strings, arrays without holes, plain
 * objects, Date, Map, Set, RegExp, ArrayBuffer, typed arrays and DataView, errors; streams where
 * the link carries them. Refused: functions, symbols, class instances, cycles and shared
 * references, shared memory, ports and other platform objects.
 */
import {
  createSharedError,
  type ErrorDetails,
  messageOf,
  PluginError,
} from '../contract/errors.js';
import { isStreamSource } from '../contract/stream.js';
import { errorFromWire, type WireError } from '../contract/wire-error.js';
import { DEFAULT_BOUNDS, NO_BOUNDS, type ValueBounds } from './bounds.js';
import { copySimple, isSimple } from './simple-value.js';
import type { StreamDoor } from './stream-door.js';
import { takeMark } from './transfer.js';
import { inwards, outwards, rewrite } from './value-records.js';
import { checkBytes, newWalk, visit } from './value-walk.js';

/**
 * An equal value that shares nothing with the original, for a receiver in the same thread.
 *
 * @throws PluginValidationError `value/invalid` as on any wire.
 */
export function copyValue(
  value: unknown,
  from?: StreamDoor,
  to?: StreamDoor,
  bounds = DEFAULT_BOUNDS,
  stacks = false,
): unknown {
  if (bounds.wide && isSimple(value)) return copySimple(value);
  const marked = typeof value === 'object' && value !== null ? takeMark(value) : undefined;
  const encoded = encode(value, from, bounds, stacks);
  const copy = clone(encoded, marked);
  return encoded.special ? revive(copy, to) : copy;
}

/** Captures a value, moving the buffers it was marked with. */
export function clone(encoded: Encoded, marked: readonly ArrayBuffer[] | undefined): unknown {
  const transfer = marked === undefined ? undefined : { transfer: checkTransfer(encoded, marked) };
  try {
    return structuredClone(encoded.value, transfer);
  } catch (cause) {
    throw createSharedError(
      'value/invalid',
      'the value cannot cross to another plugin: it cannot be cloned',
      { cause },
    );
  }
}

/** A value that may be posted, and its rough size. */
export interface Encoded {
  readonly value: unknown;
  readonly bytes: number;
  /** Whether it holds records that the receiver has to convert back. */
  readonly special: boolean;
  /** The buffers in it. */
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * Checks an outgoing value. Returns the value itself when it can be posted unchanged.
 *
 * @throws PluginValidationError `value/invalid` that names the path.
 */
export function encodeValue(value: unknown, bounds = DEFAULT_BOUNDS): unknown {
  return bounds.wide && isSimple(value) ? value : encode(value, undefined, bounds).value;
}

/**
 * {@link encodeValue} with what was found on the way. Streams are allowed only with a door for
 * them.
 *
 * @param stacks whether errors in it include their stacks.
 */
export function encode(
  value: unknown,
  streams?: StreamDoor,
  bounds = DEFAULT_BOUNDS,
  stacks = false,
): Encoded {
  const walk = newWalk(encodeValue, bounds, streams);
  visit(value, walk, 0);
  checkBytes(walk);
  return {
    value: walk.special ? rewrite(value, outwards(streams, stacks, unbounded)) : value,
    bytes: walk.bytes,
    special: walk.special,
    buffers: walk.buffers,
  };
}

/** The details of an error, which have been checked with the value around it. */
const unbounded = (details: unknown) => encodeValue(details, NO_BOUNDS);

/** Streams don't count towards the size of their value. */
const UNOPENED: StreamDoor = {
  isSource: isStreamSource,
  open: () => 0,
  accept() {
    throw new TypeError('nothing comes in here');
  },
};

/** Approximate bytes of a value, as quotas count them. */
export function sizeOf(value: unknown): number {
  const walk = newWalk(encodeValue, NO_BOUNDS, UNOPENED);
  visit(value, walk, 0);
  return walk.bytes;
}

/** Checks a value that bypasses {@link encode} or {@link decode}. @throws as they do. */
export function checkBounds(value: unknown, bounds: ValueBounds, outgoing: boolean): void {
  const walk = newWalk(outgoing ? encodeValue : undefined, bounds, outgoing ? UNOPENED : undefined);
  visit(value, walk, 0);
  checkBytes(walk);
}

/** The error for a value whose own getter or proxy threw while it was read. */
export function unreadable(error: unknown): Error {
  return error instanceof PluginError
    ? error
    : createSharedError('value/invalid', `the value cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
}

/** The same error, with the value's owner in its message. */
export function unsendable(error: unknown, what: string, details: ErrorDetails): unknown {
  if (
    !(error instanceof PluginError) ||
    error.code !== 'value/invalid' ||
    error.details.side !== undefined
  )
    return error;
  const { plugin, message, cause } = error;
  return createSharedError('value/invalid', `${what} cannot be sent: ${message}`, {
    plugin,
    details: { ...error.details, ...details },
    ...(cause !== undefined && { cause }),
  });
}

/**
 * The buffers that a value was marked to move, checked: each must be part of it, whole.
 *
 * @throws PluginValidationError `value/invalid`.
 */
export function checkTransfer(encoded: Encoded, buffers: readonly ArrayBuffer[]): ArrayBuffer[] {
  for (const buffer of buffers) {
    if (!encoded.buffers.includes(buffer))
      throw createSharedError(
        'value/invalid',
        'a buffer to transfer is not part of the value, or only a piece of it is',
      );
  }
  return [...new Set(buffers)];
}

/**
 * Checks an incoming value and turns error records back into errors.
 *
 * @param plugin set on errors; undefined when the sender is the kernel.
 * @throws PluginValidationError `value/invalid`.
 */
export function decodeValue(
  value: unknown,
  plugin: string | undefined,
  bounds = DEFAULT_BOUNDS,
): unknown {
  return bounds.wide && isSimple(value) ? value : decode(value, plugin, undefined, bounds).value;
}

/** {@link decodeValue} for a value that may hold streams. */
export function decode(
  value: unknown,
  plugin: string | undefined,
  streams?: StreamDoor,
  bounds = DEFAULT_BOUNDS,
): { readonly value: unknown; readonly bytes: number } {
  const walk = newWalk(undefined, bounds, streams);
  visit(value, walk, 0);
  checkBytes(walk);
  return {
    value: walk.special
      ? rewrite(
          value,
          inwards(plugin, streams, (details) => decodeValue(details, plugin, NO_BOUNDS)),
        )
      : value,
    bytes: walk.bytes,
  };
}

/** Converts the records of a value back without checking it, because the kernel sent it. */
export function revive(value: unknown, streams: StreamDoor | undefined): unknown {
  return rewrite(
    value,
    inwards(undefined, streams, (details) => decodeValue(details, undefined, NO_BOUNDS)),
  );
}

/**
 * Rebuilds an error that came over a link. The record must be a bounded tree first: structured
 * clone keeps shared references, and a few kilobytes of them would unfold into billions of errors.
 */
export function decodeError(wire: unknown, plugin: string | undefined): Error {
  try {
    visit(wire, newWalk(undefined, DEFAULT_BOUNDS), 0);
  } catch (cause) {
    return createSharedError('wire/refused', 'refused an error that is not well formed', {
      plugin,
      cause,
    });
  }
  const error = errorFromWire(wire, { plugin, decode: (details) => decodeValue(details, plugin) });
  // Built-in errors name their plugin too: the receiver's value if it has one, else the kernel's.
  const owner = plugin ?? (wire as WireError).plugin;
  if (typeof owner === 'string' && !(error instanceof PluginError))
    Object.defineProperty(error, 'plugin', { value: owner, configurable: true, writable: true });
  return error;
}
