/** Buffers that are moved instead of copied, marked by their owner for one send. */
import { createSharedError } from '../contract/errors.js';

// A registered symbol on the value itself: a plugin's bundle holds its own copy of this module.
const MARK = Symbol.for('plinth.transfer');

/**
 * Marks a value so that its buffers are moved to the other side, not copied. They are detached here
 * once it is sent. For inputs, answers, stream items and event payloads. With several receivers the
 * value is copied anyway.
 *
 * @param buffers those to move; each must be part of the value, whole.
 * @throws PluginValidationError `value/invalid` when something in the list is no ArrayBuffer or not
 * part of the value, or the value is frozen.
 * @example
 * const pixels = new Uint8Array(1_000_000);
 * await ctx.needs.images.store(transfer({ name: 'a.png', pixels }, [pixels.buffer]));
 */
export function transfer<T extends object>(value: T, buffers: readonly ArrayBufferLike[]): T {
  if (!Array.isArray(buffers) || !buffers.every((buffer) => buffer instanceof ArrayBuffer))
    throw createSharedError('value/invalid', 'only an ArrayBuffer can be transferred');
  const parts = new Set<unknown>();
  collect(value, parts);
  if (!buffers.every((buffer) => parts.has(buffer)))
    throw createSharedError('value/invalid', 'a buffer to transfer is not part of the value');
  if (!Object.isExtensible(value))
    throw createSharedError(
      'value/invalid',
      'a frozen value cannot be marked for transfer: mark a copy of it',
    );
  return Object.defineProperty(value, MARK, {
    value: buffers,
    configurable: true,
    enumerable: false,
  });
}

/** Collects every object in a value. The wire refuses what isn't allowed later. */
function collect(value: unknown, parts: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || parts.has(value)) return;
  parts.add(value);
  if (ArrayBuffer.isView(value)) parts.add(value.buffer);
  else if (value instanceof Map) for (const entry of value) collect(entry, parts);
  else if (value instanceof Set) for (const item of value) collect(item, parts);
  else if (!(value instanceof ArrayBuffer))
    for (const item of Object.values(value)) collect(item, parts);
}

/** The buffers in a value that has no other user. */
export function buffersIn(value: unknown): readonly ArrayBuffer[] {
  const parts = new Set<unknown>();
  collect(value, parts);
  return [...parts].filter((part): part is ArrayBuffer => part instanceof ArrayBuffer);
}

/** Takes a value's mark, which is then used up. */
export function takeMark(value: object): readonly ArrayBuffer[] | undefined {
  if (!Object.hasOwn(value, MARK)) return undefined;
  const buffers = (value as { readonly [MARK]: readonly ArrayBuffer[] })[MARK];
  Reflect.deleteProperty(value, MARK);
  return buffers;
}
