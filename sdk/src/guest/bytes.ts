/** What plugins give as bytes: a text is taken as UTF-8, a buffer or a view of one as it is. */

/** The bytes of a value, or undefined when it is neither a text nor bytes. */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return undefined;
}
