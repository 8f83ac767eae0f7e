/** Shows values that plugins answer: as JSON where it has words for them. */

/** A value as JSON, on one line or indented. What JSON lacks is written as the nearest that it has. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(plainOf(value), undefined, indent) ?? 'null';
}

/** A value as plain data. */
export function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) {
    const { code } = value as { readonly code?: unknown };
    return { ...(code !== undefined && { code }), message: value.message };
  }
  if (value instanceof Map) return [...value].map(([key, one]) => [plainOf(key), plainOf(one)]);
  if (value instanceof Set) return [...value].map(plainOf);
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(plainOf);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainOf(one)]));
}
