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
import { errorFromWire, errorToWire, type WireError } from '../contract/wire-error.js';
import {
  DEFAULT_BOUNDS,
  HEAVY_BYTES,
  NO_BOUNDS,
  OBJECT_BYTES,
  PART_BYTES,
  type ValueBounds,
} from './bounds.js';
import { takeMark } from './transfer.js';
import { VIEWS, type ViewClass } from './views.js';

/**
 * Errors travel inside values as records under this key. No honest value can hold it, because
 * outgoing objects with it are refused.
 */
const ERROR_KEY = '\u0001plinth:error';
/** Streams travel as records with their number under this key. */
const STREAM_KEY = '\u0001plinth:stream';

/**
 * How values hold streams: the link gives each a number, and turns a number into what the receiver
 * reads.
 */
export interface StreamDoor {
  /** Whether a value can be streamed. */
  isSource(value: object): boolean;
  open(source: object): number;
  accept(stream: number): object;
}

/** Objects of a small value; a larger one takes the full check. */
const SMALL = 12;
/** Characters of a small value. */
const SHORT = 16_384;
const smallSeen: unknown[] = new Array(SMALL).fill(undefined);
let smallCount = 0;
let smallLength = 0;
/** Whether JSON would preserve the last simple value. */
let smallIsJson = true;

/**
 * Whether a value is small and holds only primitives, plain objects and arrays. Most values do, and
 * they may be posted or taken unchanged. False only means that the full check must run.
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

/** The JSON text of a simple value that JSON preserves; undefined for every other. */
export function textOf(value: unknown): string | undefined {
  return isSimple(value) && smallIsJson ? JSON.stringify(value) : undefined;
}

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

/** A copy of a value for which {@link isSimple} is true. */
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
      if (
        typeof item === 'object' && item !== null
          ? !isSimpleObject(item, depth + 1)
          : !isSimplePrimitive(item) || (item === undefined && !(index in value))
      )
        return false;
    }
    return smallLength < SHORT;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(value);
  // An object without visible keys may keep everything behind a symbol, like an iterable.
  if (keys.length > 64 || (keys.length === 0 && Object.getOwnPropertySymbols(value).length > 0))
    return false;
  for (const key of keys) {
    // Reserved keys begin with a control character.
    if (key === '__proto__' || key.charCodeAt(0) === 1) return false;
    smallLength += key.length;
    const item = (value as Record<string, unknown>)[key];
    if (
      typeof item === 'object' && item !== null
        ? !isSimpleObject(item, depth + 1)
        : !isSimplePrimitive(item)
    )
      return false;
  }
  return smallLength < SHORT;
}

/** Totals of one walk over a value. */
interface Walk {
  /** Rough size in bytes: what quotas count. */
  bytes: number;
  /** Bytes of objects in addition: they count where memory does. */
  overhead: number;
  /** Whether something must be rewritten before it is posted or after it has arrived. */
  special: boolean;
  readonly outgoing: boolean;
  readonly streams: StreamDoor | undefined;
  readonly bounds: ValueBounds;
  /** Buffers that travel whole. */
  readonly buffers: ArrayBuffer[];
  readonly path: (string | number)[];
  readonly seen: object[];
  seenSet: Set<object> | undefined;
}

const newWalk = (outgoing: boolean, bounds: ValueBounds, streams?: StreamDoor): Walk => ({
  bytes: 0,
  overhead: 0,
  special: false,
  outgoing,
  streams,
  bounds,
  buffers: [],
  path: [],
  seen: [],
  seenSet: undefined,
});

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
  const walk = newWalk(true, bounds, streams);
  visit(value, walk, 0);
  checkBytes(walk);
  return {
    value: walk.special ? rewrite(value, outwards(streams, stacks)) : value,
    bytes: walk.bytes,
    special: walk.special,
    buffers: walk.buffers,
  };
}

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
  const walk = newWalk(true, NO_BOUNDS, UNOPENED);
  visit(value, walk, 0);
  return walk.bytes;
}

/** Checks a value that bypasses {@link encode} or {@link decode}. @throws as they do. */
export function checkBounds(value: unknown, bounds: ValueBounds, outgoing: boolean): void {
  const walk = newWalk(outgoing, bounds, outgoing ? UNOPENED : undefined);
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
  const walk = newWalk(false, bounds, streams);
  visit(value, walk, 0);
  checkBytes(walk);
  return {
    value: walk.special ? rewrite(value, inwards(plugin, streams)) : value,
    bytes: walk.bytes,
  };
}

/** Converts the records of a value back without checking it, because the kernel sent it. */
export function revive(value: unknown, streams: StreamDoor | undefined): unknown {
  return rewrite(value, inwards(undefined, streams));
}

/**
 * Rebuilds an error that came over a link. The record must be a bounded tree first: structured
 * clone keeps shared references, and a few kilobytes of them would unfold into billions of errors.
 */
export function decodeError(wire: unknown, plugin: string | undefined): Error {
  try {
    visit(wire, newWalk(false, DEFAULT_BOUNDS), 0);
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

function refusal(walk: Walk, what: string): Error {
  const path = walk.path.join('.');
  return createSharedError(
    'value/invalid',
    `${path === '' ? 'the value' : `'${path}'`} cannot cross to another plugin: ${what}`,
    { details: { path } },
  );
}

function checkBytes(walk: Walk, more = 0): void {
  if (walk.bytes + walk.overhead + more > walk.bounds.bytes)
    throw refusal(walk, `larger than ${walk.bounds.bytes} bytes (limits.value)`);
}

function visit(value: unknown, walk: Walk, depth: number): void {
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
    const record = newWalk(false, walk.bounds);
    visit(
      errorToWire(value, false, (details) => encodeValue(details, walk.bounds)),
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

const PLAIN_VIEWS: ReadonlySet<object> = new Set(VIEWS.map((View) => View.prototype as object));

/** Whether a buffer is detached, if the engine can tell. Otherwise the clone fails. */
function isDetached(buffer: ArrayBuffer): boolean {
  return (buffer as { readonly detached?: boolean }).detached === true;
}

function isWholeView(value: ArrayBufferView): boolean {
  return (
    value.byteLength === value.buffer.byteLength &&
    PLAIN_VIEWS.has(Object.getPrototypeOf(value) as object)
  );
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

type Rewrite = (value: object) => object | undefined;

/** Copies a checked value, replacing the parts for which `change` returns something. */
function rewrite(value: unknown, change: Rewrite): unknown {
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

function outwards(streams: StreamDoor | undefined, stacks: boolean): Rewrite {
  return (value) => {
    if (streams?.isSource(value)) return { [STREAM_KEY]: streams.open(value) };
    if (value instanceof Error)
      return {
        [ERROR_KEY]: errorToWire(value, stacks, (details) => encodeValue(details, NO_BOUNDS)),
      };
    return ArrayBuffer.isView(value) && !isWholeView(value) ? ownBytes(value) : undefined;
  };
}

/** A view that contains only its own bytes. */
function ownBytes(value: ArrayBufferView): object {
  const bytes = (value.buffer as ArrayBuffer).slice(
    value.byteOffset,
    value.byteOffset + value.byteLength,
  );
  const View = VIEWS.find((one) => value instanceof one) as ViewClass;
  return new View(bytes);
}

const inwards =
  (plugin: string | undefined, streams: StreamDoor | undefined): Rewrite =>
  (value) => {
    if (Object.hasOwn(value, ERROR_KEY))
      return errorFromWire((value as Record<string, WireError>)[ERROR_KEY], {
        plugin,
        decode: (details) => decodeValue(details, plugin, NO_BOUNDS),
      });
    if (streams !== undefined && Object.hasOwn(value, STREAM_KEY))
      return streams.accept((value as Record<string, number>)[STREAM_KEY] as number);
    return undefined;
  };
