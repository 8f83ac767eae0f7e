/** Prints rows as a table. Its size is bounded. */
import { print, textOf } from './print.js';

/** Limits of a table: rows, columns, and characters of a cell. */
const [ROWS, COLUMNS, CELL] = [100, 16, 40];

/** Rows with aligned columns; undefined for a value without rows. */
export function tableOf(rows: unknown, only: unknown): string | undefined {
  if (rows === null || typeof rows !== 'object') return undefined;
  try {
    const entries: (readonly [string, unknown])[] =
      rows instanceof Map
        ? [...rows].map(([key, row]) => [textOf(key), row] as const)
        : rows instanceof Set
          ? [...rows].map((row, n) => [String(n), row] as const)
          : Object.entries(rows);
    const shown = entries.slice(0, ROWS);
    const isRow = (row: unknown): row is Record<string, unknown> =>
      row !== null && typeof row === 'object';
    const keys = Array.isArray(only)
      ? only.map(String)
      : [...new Set(shown.flatMap(([, row]) => (isRow(row) ? Object.keys(row) : [])))];
    const columns = keys.slice(0, COLUMNS);
    const plain = shown.some(([, row]) => !isRow(row));
    const cell = (value: unknown) => {
      const text = print(value, 1).replaceAll('\n', ' ');
      return text.length > CELL ? `${text.slice(0, CELL - 1)}…` : text;
    };
    const head = ['(index)', ...columns, ...(plain ? ['value'] : [])];
    const lines = shown.map(([key, row]) => [
      key,
      ...columns.map((column) => (isRow(row) && column in row ? cell(row[column]) : '')),
      ...(plain ? [isRow(row) ? '' : cell(row)] : []),
    ]);
    const widths = head.map((title, n) =>
      Math.max(title.length, ...lines.map((line) => (line[n] as string).length)),
    );
    const line = (cells: readonly string[]) =>
      cells
        .map((text, n) => text.padEnd(widths[n] as number))
        .join(' | ')
        .trimEnd();
    const more = entries.length > ROWS ? [`… ${entries.length - ROWS} more`] : [];
    return [
      line(head),
      widths.map((width) => '-'.repeat(width)).join('-|-'),
      ...lines.map(line),
      ...more,
    ].join('\n');
  } catch {
    return undefined;
  }
}
