/** Converts what plugins pass as bytes: a string as UTF-8, a buffer or view unchanged. */

/** The bytes of a value; undefined when it is neither a string nor bytes. */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return undefined;
}
