/** Any wire value as readable text. */

/** Like JSON over several lines, with a notation for what JSON lacks. */
export function showValue(value: unknown): string {
  return cut(JSON.stringify(value, replace, 2) ?? 'undefined', 20_000);
}

/** The same in one line: shorter, and with rounded numbers. */
export function summarise(value: unknown): string {
  const round = (key: string, inner: unknown) =>
    typeof inner === 'number' && Number.isFinite(inner)
      ? Math.round(inner * 100) / 100
      : replace(key, inner);
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
