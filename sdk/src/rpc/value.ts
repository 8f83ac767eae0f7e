/**
 * Values on the wire: one table for every isolation. Outgoing values are checked on the side that sends them, so the
 * error names the path where the author can mend it; incoming values are checked because a guest may post anything.
 *
 * Allowed: null, undefined, booleans, numbers, bigint, strings, arrays without holes, plain objects, Date, Map, Set,
 * RegExp, ArrayBuffer, typed arrays and DataView, errors; streams where the link carries them. Refused: functions,
 * symbols, class instances, cycles and shared references, shared memory, ports and other platform objects.
 */
import { createSharedError, type ErrorDetails, messageOf, PluginError } from '../contract/errors.js';
import { isStreamSource } from '../contract/stream.js';
import { takeMark } from './transfer.js';
import { errorFromWire, errorToWire, type WireError } from '../contract/wire-error.js';

/** Deepest nesting of a value. */
export const MAX_DEPTH = 64;
/** Most nodes (objects, entries, items) of one value. */
export const MAX_NODES = 200_000;

/**
 * Errors travel inside values as records under this key; no honest value can hold it, because outgoing objects with it
 * are refused.
 */
const ERROR_KEY = '\u0001plinth:error';
/** Streams travel as records with their number under this key. */
const STREAM_KEY = '\u0001plinth:stream';

/** How values hold streams: the link gives each a number, and makes of a number what the receiver reads. */
export interface StreamDoor {
  /** Whether a value is something that can be streamed. */
  isSource(value: object): boolean;
  open(source: object): number;
  accept(stream: number): object;
}

/** Objects of a small value; what is larger takes the thorough walk. */
const SMALL = 12;
/** Characters of a small value. */
const SHORT = 16_384;
const smallSeen: unknown[] = new Array(SMALL).fill(undefined);
let smallCount = 0;
let smallLength = 0;
/** Whether JSON would carry the last simple value unchanged. */
let smallIsJson = true;

/**
 * Whether a value is small and holds nothing but primitives, plain objects and arrays: most values are, and they may be
 * posted or taken as they are. A false answer only means that the thorough walk must look.
 */
export function isSimple(value: unknown): boolean {
  smallIsJson = true;
  if (typeof value !== 'object' || value === null) return isSimplePrimitive(value);
  smallCount = 0;
  smallLength = 0;
  const simple = isSimpleObject(value, 0);
  smallSeen.fill(undefined, 0, smallCount);
  return simple;
}

function isSimplePrimitive(value: unknown): boolean {
  const type = typeof value;
  if (type === 'string') {
    smallLength += (value as string).length;
    return (value as string).length < SHORT;
  }
  if (type === 'number') {
    if (!Number.isFinite(value) || Object.is(value, -0)) smallIsJson = false;
    return true;
  }
  if (value === undefined) smallIsJson = false;
  return type === 'boolean' || value === undefined || value === null;
}

/** The JSON text of a simple value that JSON carries unchanged; undefined for every other. */
export function textOf(value: unknown): string | undefined {
  return isSimple(value) && smallIsJson ? JSON.stringify(value) : undefined;
}

/**
 * An equal value that shares nothing with the original: what a receiver in the same thread gets.
 *
 * @throws PluginValidationError `value/invalid` as on any wire.
 */
export function copyValue(value: unknown, from?: StreamDoor, to?: StreamDoor): unknown {
  if (isSimple(value)) return copySimple(value);
  const marked = typeof value === 'object' && value !== null ? takeMark(value) : undefined;
  const encoded = encode(value, from);
  const copy = clone(encoded, marked);
  return encoded.special ? revive(copy, to) : copy;
}

/** Takes a value as it is now, moving the buffers it was marked with. */
export function clone(encoded: Encoded, marked: readonly ArrayBuffer[] | undefined): unknown {
  const transfer = marked === undefined ? undefined : { transfer: checkTransfer(encoded, marked) };
  try {
    return structuredClone(encoded.value, transfer);
  } catch (cause) {
    throw createSharedError('value/invalid', 'the value cannot cross to another plugin: it cannot be cloned', { cause });
  }
}

/** A copy of a value that {@link isSimple}. */
export function copySimple(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copySimple);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    copy[key] = typeof item === 'object' && item !== null ? copySimple(item) : item;
  }
  return copy;
}

function isSimpleObject(value: object, depth: number): boolean {
  if (depth > 6 || smallCount === SMALL) return false;
  for (let index = 0; index < smallCount; index++) if (smallSeen[index] === value) return false;
  smallSeen[smallCount++] = value;
  if (Array.isArray(value)) {
    if (value.length > 64) return false;
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (typeof item === 'object' && item !== null ? !isSimpleObject(item, depth + 1) : !isSimplePrimitive(item) || (item === undefined && !(index in value))) return false;
    }
    return smallLength < SHORT;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(value);
  // Nothing to see may mean that all of it is behind a symbol, as in an iterable.
  if (keys.length > 64 || (keys.length === 0 && Object.getOwnPropertySymbols(value).length > 0)) return false;
  for (const key of keys) {
    // Reserved keys begin with a control character.
    if (key === '__proto__' || key.charCodeAt(0) === 1) return false;
    smallLength += key.length;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null ? !isSimpleObject(item, depth + 1) : !isSimplePrimitive(item)) return false;
  }
  return smallLength < SHORT;
}

/** Totals of one walk over a value. */
interface Walk {
  nodes: number;
  /** Rough size in bytes: what quotas and limits count. */
  bytes: number;
  /** Whether something has to be rewritten before it may be posted, or after it has arrived. */
  special: boolean;
  readonly outgoing: boolean;
  readonly streams: StreamDoor | undefined;
  /** Buffers that travel whole. */
  readonly buffers: ArrayBuffer[];
  readonly path: (string | number)[];
  readonly seen: object[];
  seenSet: Set<object> | undefined;
}

const newWalk = (outgoing: boolean, streams?: StreamDoor): Walk => ({ nodes: 0, bytes: 0, special: false, outgoing, streams, buffers: [], path: [], seen: [], seenSet: undefined });

/** Largest value, in rough bytes. */
export const MAX_BYTES = 64 * 1_024 * 1_024;

/** A value that may be posted, and its rough size. */
export interface Encoded {
  readonly value: unknown;
  readonly bytes: number;
  /** Whether it holds records that the receiver has to turn back. */
  readonly special: boolean;
  /** The buffers in it. */
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * Checks an outgoing value; answers the value itself when it can be posted as it is.
 *
 * @throws PluginValidationError `value/invalid` that names the path.
 */
export function encodeValue(value: unknown): unknown {
  return isSimple(value) ? value : encode(value).value;
}

/** {@link encodeValue} with what was found on the way; streams only where a door for them is given. */
export function encode(value: unknown, streams?: StreamDoor): Encoded {
  const walk = newWalk(true, streams);
  visit(value, walk, 0);
  if (walk.bytes > MAX_BYTES) throw refusal(walk, `larger than ${MAX_BYTES} bytes`);
  return { value: walk.special ? rewrite(value, outwards(streams)) : value, bytes: walk.bytes, special: walk.special, buffers: walk.buffers };
}

/** Streams are no part of the size of the value they are in. */
const UNOPENED: StreamDoor = {
  isSource: isStreamSource,
  open: () => 0,
  accept() {
    throw new TypeError('nothing comes in here');
  },
};

/** Rough bytes of a value, as quotas count them. */
export function sizeOf(value: unknown): number {
  const walk = newWalk(true, UNOPENED);
  visit(value, walk, 0);
  return walk.bytes;
}

/** What reading a value threw, when that was the value's own doing: a getter, a proxy. */
export function unreadable(error: unknown): Error {
  return error instanceof PluginError ? error : createSharedError('value/invalid', `the value cannot be read: ${messageOf(error)}`, { cause: error });
}

/** The same error, saying whose value it was that can't be sent. */
export function unsendable(error: unknown, what: string, details: ErrorDetails): unknown {
  if (!(error instanceof PluginError) || error.code !== 'value/invalid' || error.details.side !== undefined) return error;
  const { plugin, message, cause } = error;
  return createSharedError('value/invalid', `${what} cannot be sent: ${message}`, { plugin, details: { ...error.details, ...details }, ...(cause !== undefined && { cause }) });
}

/**
 * The buffers that a value was marked to move, checked: each must travel whole as part of it.
 *
 * @throws PluginValidationError `value/invalid`.
 */
export function checkTransfer(encoded: Encoded, buffers: readonly ArrayBuffer[]): ArrayBuffer[] {
  for (const buffer of buffers) {
    if (!encoded.buffers.includes(buffer)) throw createSharedError('value/invalid', 'a buffer to transfer is not part of the value, or only a piece of it is');
  }
  return [...new Set(buffers)];
}

/**
 * Checks an incoming value and turns error records back into errors.
 *
 * @param plugin stamped on errors; undefined when the sender is the kernel.
 * @throws PluginValidationError `value/invalid`.
 */
export function decodeValue(value: unknown, plugin: string | undefined): unknown {
  return isSimple(value) ? value : decode(value, plugin).value;
}

/** {@link decodeValue} of a value that may hold streams. */
export function decode(value: unknown, plugin: string | undefined, streams?: StreamDoor): { readonly value: unknown; readonly bytes: number } {
  const walk = newWalk(false, streams);
  visit(value, walk, 0);
  if (walk.bytes > MAX_BYTES) throw refusal(walk, `larger than ${MAX_BYTES} bytes`);
  return { value: walk.special ? rewrite(value, inwards(plugin, streams)) : value, bytes: walk.bytes };
}

/** Turns the records of a value back without checking it: for what the kernel has sent. */
export function revive(value: unknown, streams: StreamDoor | undefined): unknown {
  return rewrite(value, inwards(undefined, streams));
}

/**
 * Rebuilds an error that came over a link. The record must be a bounded tree first: structured clone keeps shared
 * references, and a few kilobytes of them would unfold into billions of errors.
 */
export function decodeError(wire: unknown, plugin: string | undefined): Error {
  try {
    visit(wire, newWalk(false), 0);
  } catch (cause) {
    return createSharedError('wire/refused', 'refused an error that is not well formed', { plugin, cause });
  }
  return errorFromWire(wire, { plugin, decode: (details) => decodeValue(details, plugin) });
}

function refusal(walk: Walk, what: string): Error {
  const path = walk.path.join('.');
  return createSharedError('value/invalid', `${path === '' ? 'the value' : `'${path}'`} cannot cross to another plugin: ${what}`, { details: { path } });
}

function visit(value: unknown, walk: Walk, depth: number): void {
  walk.nodes += 1;
  walk.bytes += 8;
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
      // A bigint can be megabytes large; its text length is what a cheap bound can see.
      if (value > MAX_PLAIN_BIGINT || value < -MAX_PLAIN_BIGINT) walk.bytes += value.toString(16).length;
      return;
    default:
  }
}

const MAX_PLAIN_BIGINT = 2n ** 64n;

function visitObject(value: object, walk: Walk, depth: number): void {
  if (walk.bytes > MAX_BYTES) throw refusal(walk, `larger than ${MAX_BYTES} bytes`);
  if (depth > MAX_DEPTH) throw refusal(walk, `nested deeper than ${MAX_DEPTH}`);
  if (walk.nodes > MAX_NODES) throw refusal(walk, `more than ${MAX_NODES} parts`);
  remember(value, walk);
  if (walk.outgoing && walk.streams?.isSource(value)) {
    walk.special = true;
    return;
  }
  if (Array.isArray(value)) return visitArray(value, walk, depth);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null || isForeignPlain(prototype)) return visitRecord(value as Record<string, unknown>, walk, depth);
  if (value instanceof Error) {
    if (!walk.outgoing) throw refusal(walk, 'an error that is not a record');
    walk.special = true;
    // It travels, and is kept, as a record of all that it holds.
    const record = newWalk(false);
    visit(errorToWire(value, false, encodeValue), record, 0);
    walk.bytes += record.bytes;
    return;
  }
  visitBuiltin(value, prototype, walk, depth);
}

/** A plain object of another realm: its prototype has no prototype and a constructor called Object. */
function isForeignPlain(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function visitArray(value: readonly unknown[], walk: Walk, depth: number): void {
  // Before the loop: `new Array(2 ** 32 - 1)` is cheap to send and must not be expensive to refuse.
  if (walk.nodes + value.length > MAX_NODES) throw refusal(walk, `more than ${MAX_NODES} parts`);
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) throw refusal(at(walk, index), 'a hole in an array');
    walk.path.push(index);
    visit(item, walk, depth + 1);
    walk.path.pop();
  }
}

function visitRecord(value: Record<string, unknown>, walk: Walk, depth: number): void {
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === STREAM_KEY) {
    const stream = value[STREAM_KEY];
    if (walk.outgoing || walk.streams === undefined || !Number.isSafeInteger(stream) || (stream as number) < 1) throw refusal(walk, 'a stream in a place where none can be');
    walk.special = true;
    return;
  }
  if (keys.length === 1 && keys[0] === ERROR_KEY) {
    if (walk.outgoing) throw refusal(walk, 'a reserved key');
    walk.special = true;
    // The record is a tree like any other: sharing inside it would multiply when it is rebuilt.
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
  if (ArrayBuffer.isView(value)) {
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
      if (walk.nodes > MAX_NODES) throw refusal(walk, `more than ${MAX_NODES} parts`);
    }
    return;
  }
  if (prototype === Set.prototype) {
    let index = 0;
    for (const item of value as Set<unknown>) {
      walk.path.push(index++);
      visit(item, walk, depth + 1);
      walk.path.pop();
      if (walk.nodes > MAX_NODES) throw refusal(walk, `more than ${MAX_NODES} parts`);
    }
    return;
  }
  if (prototype === Date.prototype) return;
  if (prototype === RegExp.prototype) {
    walk.bytes += (value as RegExp).source.length * 2;
    return;
  }
  const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  throw refusal(walk, `an instance of ${typeof name === 'string' && name !== '' ? name : 'a class'}`);
}

const PLAIN_VIEWS: ReadonlySet<object> = new Set(
  [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView].map(
    (View) => View.prototype as object,
  ),
);

/** Where the engine tells; otherwise the clone fails. */
function isDetached(buffer: ArrayBuffer): boolean {
  return (buffer as { readonly detached?: boolean }).detached === true;
}

function isWholeView(value: ArrayBufferView): boolean {
  return value.byteLength === value.buffer.byteLength && PLAIN_VIEWS.has(Object.getPrototypeOf(value) as object);
}

// A cycle is also a shared reference. Few objects are compared one by one, because that is cheaper than a Set.
function remember(value: object, walk: Walk): void {
  if (walk.seenSet !== undefined) {
    if (walk.seenSet.has(value)) throw refusal(walk, 'the same object twice, or a cycle');
    walk.seenSet.add(value);
    return;
  }
  for (const other of walk.seen) if (other === value) throw refusal(walk, 'the same object twice, or a cycle');
  walk.seen.push(value);
  if (walk.seen.length > 16) walk.seenSet = new Set(walk.seen);
}

function at(walk: Walk, key: string | number): Walk {
  walk.path.push(key);
  return walk;
}

type Rewrite = (value: object) => object | undefined;

/** Copies a checked value, replacing what `change` answers for. */
function rewrite(value: unknown, change: Rewrite): unknown {
  if (value === null || typeof value !== 'object') return value;
  const changed = change(value);
  if (changed !== undefined) return changed;
  if (Array.isArray(value)) return value.map((item) => rewrite(item, change));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [rewrite(key, change), rewrite(item, change)]));
  if (value instanceof Set) return new Set([...value].map((item) => rewrite(item, change)));
  if (value instanceof Date || value instanceof RegExp || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewrite(item, change)]));
}

function outwards(streams: StreamDoor | undefined): Rewrite {
  return (value) => {
    if (streams?.isSource(value)) return { [STREAM_KEY]: streams.open(value) };
    if (value instanceof Error) return { [ERROR_KEY]: errorToWire(value, false, encodeValue) };
    return ArrayBuffer.isView(value) && !isWholeView(value) ? ownBytes(value) : undefined;
  };
}

/** A view of nothing but its own bytes. */
function ownBytes(value: ArrayBufferView): object {
  const bytes = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
  if (value instanceof DataView) return new DataView(bytes);
  for (const prototype of PLAIN_VIEWS) {
    if (Object.prototype.isPrototypeOf.call(prototype, value)) return new (prototype as { constructor: new (buffer: ArrayBufferLike) => object }).constructor(bytes);
  }
  return new Uint8Array(bytes);
}

const inwards =
  (plugin: string | undefined, streams: StreamDoor | undefined): Rewrite =>
  (value) => {
    if (Object.hasOwn(value, ERROR_KEY)) return errorFromWire((value as Record<string, WireError>)[ERROR_KEY], { plugin, decode: (details) => decodeValue(details, plugin) });
    if (streams !== undefined && Object.hasOwn(value, STREAM_KEY)) return streams.accept((value as Record<string, number>)[STREAM_KEY] as number);
    return undefined;
  };
