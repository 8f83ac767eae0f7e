/** The typed arrays that may be values. */

/** A class of typed arrays, or DataView. */
export type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

/** By their number in process messages; never renumbered. The last is not in every runtime yet. */
export const VIEWS: readonly ViewClass[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  ...((globalThis as { readonly Float16Array?: ViewClass }).Float16Array
    ? [(globalThis as unknown as { readonly Float16Array: ViewClass }).Float16Array]
    : []),
];

const PLAIN_VIEWS: ReadonlySet<object> = new Set(VIEWS.map((View) => View.prototype as object));

/** Whether a buffer is detached, if the engine can tell. Otherwise the clone fails. */
export function isDetached(buffer: ArrayBuffer): boolean {
  return (buffer as { readonly detached?: boolean }).detached === true;
}

/** Whether a view is of a plain class and covers all of its buffer. */
export function isWholeView(value: ArrayBufferView): boolean {
  return (
    value.byteLength === value.buffer.byteLength &&
    PLAIN_VIEWS.has(Object.getPrototypeOf(value) as object)
  );
}

/** A view that contains only its own bytes. */
export function ownBytes(value: ArrayBufferView): object {
  const bytes = (value.buffer as ArrayBuffer).slice(
    value.byteOffset,
    value.byteOffset + value.byteLength,
  );
  const View = VIEWS.find((one) => value instanceof one) as ViewClass;
  return new View(bytes);
}
