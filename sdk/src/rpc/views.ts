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
