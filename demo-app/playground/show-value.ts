/** Any value of the wire as text that a person can read. */

/** Like JSON over several lines, with what JSON lacks spelled out. */
export function showValue(value: unknown): string {
  return cut(JSON.stringify(value, replace, 2) ?? 'undefined', 20_000);
}

/** The same in one line, for an overview: shorter, and numbers rounded. */
export function summarise(value: unknown): string {
  const round = (key: string, inner: unknown) => (typeof inner === 'number' && Number.isFinite(inner) ? Math.round(inner * 100) / 100 : replace(key, inner));
  return cut(JSON.stringify(value, round) ?? '', 400);
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  return value;
}
