/** The walk over a value that checks each part against the rules of values. */
import { createSharedError } from '../contract/errors.js';
import { errorToWire } from '../contract/wire-error.js';
import { HEAVY_BYTES, OBJECT_BYTES, PART_BYTES, type ValueBounds } from './bounds.js';
import type { StreamDoor } from './stream-door.js';
import { ERROR_KEY, STREAM_KEY } from './value-records.js';
import { isDetached, isWholeView, VIEWS } from './views.js';

/** Totals of one walk over a value. */
export interface Walk {
  /** Rough size in bytes: what quotas count. */
  bytes: number;
  /** Bytes of objects in addition: they count where memory does. */
  overhead: number;
  /** Whether something must be rewritten before it is posted or after it has arrived. */
  special: boolean;
  readonly outgoing: boolean;
  /** Encodes the details of an error. Only outgoing values hold errors. */
  readonly details: EncodeDetails | undefined;
  readonly streams: StreamDoor | undefined;
  readonly bounds: ValueBounds;
  /** Buffers that travel whole. */
  readonly buffers: ArrayBuffer[];
  readonly path: (string | number)[];
  readonly seen: object[];
  seenSet: Set<object> | undefined;
}

/** Encodes the details of an error within bounds. */
export type EncodeDetails = (details: unknown, bounds: ValueBounds) => unknown;

/** @param details for outgoing values; undefined for incoming ones. */
export const newWalk = (
  details: EncodeDetails | undefined,
  bounds: ValueBounds,
  streams?: StreamDoor,
): Walk => ({
  bytes: 0,
  overhead: 0,
  special: false,
  outgoing: details !== undefined,
  details,
  streams,
  bounds,
  buffers: [],
  path: [],
  seen: [],
  seenSet: undefined,
});

function refusal(walk: Walk, what: string): Error {
  const path = walk.path.join('.');
  return createSharedError(
    'value/invalid',
    `${path === '' ? 'the value' : `'${path}'`} cannot cross to another plugin: ${what}`,
    { details: { path } },
  );
}

/** @throws PluginValidationError `value/invalid` for a value that is too large. */
export function checkBytes(walk: Walk, more = 0): void {
  if (walk.bytes + walk.overhead + more > walk.bounds.bytes)
    throw refusal(walk, `larger than ${walk.bounds.bytes} bytes (limits.value)`);
}

/** Checks a value and all its parts. @throws PluginValidationError `value/invalid`, with the path. */
export function visit(value: unknown, walk: Walk, depth: number): void {
  walk.bytes += PART_BYTES;
  switch (typeof value) {
    case 'string':
      walk.bytes += value.length * 2;
      return;
    case 'object':
      if (value !== null) visitObject(value, walk, depth);
      return;
    case 'function':
      throw refusal(walk, 'functions are not values');
    case 'symbol':
      throw refusal(walk, 'symbols are not values');
    case 'bigint':
      // A bigint can be megabytes large. The length of its text is a cheap bound.
      if (value > MAX_PLAIN_BIGINT || value < -MAX_PLAIN_BIGINT)
        walk.bytes += value.toString(16).length;
      return;
    default:
  }
}

const MAX_PLAIN_BIGINT = 2n ** 64n;

function visitObject(value: object, walk: Walk, depth: number): void {
  walk.overhead += OBJECT_BYTES;
  checkBytes(walk);
  if (depth >= walk.bounds.depth)
    throw refusal(walk, `nested deeper than ${walk.bounds.depth} levels (limits.value)`);
  remember(value, walk);
  if (walk.outgoing && walk.streams?.isSource(value)) {
    walk.special = true;
    return;
  }
  if (Array.isArray(value)) return visitArray(value, walk, depth);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null || isPlainPrototype(prototype))
    return visitRecord(value as Record<string, unknown>, walk, depth);
  if (value instanceof Error) {
    if (!walk.outgoing) throw refusal(walk, 'an error that is not a record');
    walk.special = true;
    // Its size counts as that of a record with all its parts.
    const record = newWalk(undefined, walk.bounds);
    visit(
      errorToWire(value, false, (details) => walk.details?.(details, walk.bounds)),
      record,
      depth + 1,
    );
    walk.bytes += record.bytes;
    walk.overhead += record.overhead;
    return;
  }
  visitBuiltin(value, prototype, walk, depth);
}

/**
 * The prototype of a plain object of another realm, or of a class that creates plain objects: it
 * has no own members.
 */
function isPlainPrototype(prototype: object): boolean {
  if (Object.getPrototypeOf(prototype) !== null) return false;
  return (
    Object.hasOwn(prototype, 'isPrototypeOf') ||
    Reflect.ownKeys(prototype).every((key) => key === 'constructor')
  );
}

function visitArray(value: readonly unknown[], walk: Walk, depth: number): void {
  // Before the loop: `new Array(2 ** 32 - 1)` is cheap to send and must not be expensive to refuse.
  checkBytes(walk, value.length * PART_BYTES);
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value))
      throw refusal(at(walk, index), 'a hole in an array');
    walk.path.push(index);
    visit(item, walk, depth + 1);
    walk.path.pop();
  }
}

function visitRecord(value: Record<string, unknown>, walk: Walk, depth: number): void {
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === STREAM_KEY) {
    const stream = value[STREAM_KEY];
    if (
      walk.outgoing ||
      walk.streams === undefined ||
      !Number.isSafeInteger(stream) ||
      (stream as number) < 1
    )
      throw refusal(walk, 'a stream in a place where none can be');
    walk.special = true;
    return;
  }
  if (keys.length === 1 && keys[0] === ERROR_KEY) {
    if (walk.outgoing) throw refusal(walk, 'a reserved key');
    walk.special = true;
    // The record must be a tree too: shared parts would multiply when it is rebuilt.
    visit(value[ERROR_KEY], walk, depth + 1);
    return;
  }
  for (const key of keys) {
    if (key === '__proto__') throw refusal(at(walk, key), "'__proto__' is not allowed as a key");
    walk.bytes += key.length * 2;
    walk.path.push(key);
    visit(value[key], walk, depth + 1);
    walk.path.pop();
  }
}

function visitBuiltin(value: object, prototype: object, walk: Walk, depth: number): void {
  walk.overhead += HEAVY_BYTES - OBJECT_BYTES;
  if (ArrayBuffer.isView(value)) {
    if (!VIEWS.some((View) => value instanceof View))
      throw refusal(walk, `a typed array of no known kind (${nameOf(prototype)})`);
    if (!(value.buffer instanceof ArrayBuffer)) throw refusal(walk, 'shared memory');
    if (isDetached(value.buffer)) throw refusal(walk, 'a buffer that was moved before');
    walk.bytes += value.byteLength;
    // Posting a view posts its whole buffer, so a slice of a pool would leak its neighbours.
    if (isWholeView(value)) walk.buffers.push(value.buffer as ArrayBuffer);
    else if (walk.outgoing) walk.special = true;
    return;
  }
  if (value instanceof ArrayBuffer) {
    if (isDetached(value)) throw refusal(walk, 'a buffer that was moved before');
    walk.bytes += value.byteLength;
    walk.buffers.push(value);
    return;
  }
  if (prototype === Map.prototype) {
    let index = 0;
    for (const [key, item] of value as Map<unknown, unknown>) {
      walk.path.push(index++);
      visit(key, walk, depth + 1);
      visit(item, walk, depth + 1);
      walk.path.pop();
      checkBytes(walk);
    }
    return;
  }
  if (prototype === Set.prototype) {
    let index = 0;
    for (const item of value as Set<unknown>) {
      walk.path.push(index++);
      visit(item, walk, depth + 1);
      walk.path.pop();
      checkBytes(walk);
    }
    return;
  }
  if (prototype === Date.prototype) return;
  if (prototype === RegExp.prototype) {
    walk.bytes += (value as RegExp).source.length * 2;
    return;
  }
  throw refusal(walk, `an instance of ${nameOf(prototype)}`);
}

function nameOf(prototype: object): string {
  const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'a class';
}

// A cycle is also a shared reference. A few objects are compared one by one, which is cheaper than
// a Set.
function remember(value: object, walk: Walk): void {
  if (walk.seenSet !== undefined) {
    if (walk.seenSet.has(value)) throw refusal(walk, 'the same object twice, or a cycle');
    walk.seenSet.add(value);
    return;
  }
  for (const other of walk.seen)
    if (other === value) throw refusal(walk, 'the same object twice, or a cycle');
  walk.seen.push(value);
  if (walk.seen.length > 16) walk.seenSet = new Set(walk.seen);
}

function at(walk: Walk, key: string | number): Walk {
  walk.path.push(key);
  return walk;
}
