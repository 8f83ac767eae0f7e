/** A correct source of rows in parts, each of which can be replaced by a faulty one. */

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;
export interface Condition {
  readonly column: string;
  readonly operator: string;
  readonly value: Cell | readonly Cell[];
}
export interface Order {
  readonly column: string;
  readonly descending: boolean;
}
export interface Page {
  readonly limit: number;
  readonly offset: number;
}
export interface Query extends Page {
  readonly columns?: readonly string[];
  readonly where: readonly Condition[];
  readonly orderBy: readonly Order[];
}
type Compare = (a: Cell, b: Cell, descending: boolean) => number;
interface Column {
  name: string;
  type: 'string' | 'number' | 'boolean' | 'date';
}

export interface Parts {
  readonly rows: readonly Row[];
  sources(): { id: string; columns: Column[] }[];
  hasSource(source: string): boolean;
  readonly unknownSource: 'declared' | 'error' | 'empty' | 'other name';
  namedColumns(query: Query): readonly string[];
  unknownColumn(query: Query): string | undefined;
  holds(cell: Cell, condition: Condition): boolean;
  every(test: (condition: Condition) => boolean, where: readonly Condition[]): boolean;
  readonly compare: Compare;
  order(rows: readonly Row[], by: readonly Order[], compare: Compare): readonly Row[];
  page(rows: readonly Row[], page: Page): readonly Row[];
  project(row: Row, columns: readonly string[] | undefined): Row;
  select(parts: Parts, query: Query): { readonly rows: readonly Row[]; readonly chosen: number };
  total(counts: { readonly all: number; readonly chosen: number; readonly page: number }): number;
}

export const TABLE: readonly Row[] = [
  ['pear', 9, true, '2026-03-01'],
  ['apple', 10, false, '2026-01-01'],
  ['fig', 2, true, null],
  ['apple', 100, true, '2026-02-01'],
  ['quince', 9, false, '2026-03-01'],
  ['plum', null, true, '2026-01-01'],
  ['pineapple', 33, null, '2026-04-01'],
].map(([name, weight, ripe, picked]) => ({ name, weight, ripe, picked }) as Row);

export const columns = (): Column[] => [
  { name: 'name', type: 'string' },
  { name: 'weight', type: 'number' },
  { name: 'ripe', type: 'boolean' },
  { name: 'picked', type: 'date' },
];

export const page = (rows: readonly Row[], { limit, offset }: Page): readonly Row[] =>
  rows.slice(offset, offset + limit);
export const project = (row: Row, names: readonly string[] | undefined): Row =>
  names === undefined
    ? row
    : Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));

export const sound: Parts = {
  rows: TABLE,
  sources: () => [{ id: 'fruit', columns: columns() }],
  hasSource: (source) => source === 'fruit',
  unknownSource: 'declared',
  namedColumns: ({ columns: named = [], where, orderBy }) => [
    ...named,
    ...where.map(({ column }) => column),
    ...orderBy.map(({ column }) => column),
  ],
  unknownColumn: (query) =>
    sound.namedColumns(query).find((name) => !columns().some((one) => one.name === name)),
  holds(cell, { operator, value }) {
    if (operator === 'in') return Array.isArray(value) && value.includes(cell);
    if (operator === '=') return cell === value;
    if (operator === '!=') return cell !== value;
    if (cell === null || value === null || Array.isArray(value)) return false;
    if (operator === 'contains') return String(cell).includes(String(value));
    const scalar = value as string | number | boolean;
    return operator === '<'
      ? cell < scalar
      : operator === '<='
        ? cell <= scalar
        : operator === '>'
          ? cell > scalar
          : cell >= scalar;
  },
  every: (test, where) => where.every(test),
  compare(a, b, descending) {
    if (a === b) return 0;
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b !== descending ? -1 : 1;
  },
  order: (rows, by, compare) =>
    rows.toSorted(
      (a, b) =>
        by
          .map(({ column, descending }) =>
            compare(a[column] ?? null, b[column] ?? null, descending),
          )
          .find((order) => order !== 0) ?? 0,
    ),
  page,
  project,
  select(
    { rows, holds, every, order, compare, page: cut, project: narrow },
    { where, orderBy, columns: named, ...rest },
  ) {
    const chosen = rows.filter((row) =>
      every((condition) => holds(row[condition.column] ?? null, condition), where),
    );
    return {
      rows: cut(order(chosen, orderBy, compare), rest).map((row) => narrow(row, named)),
      chosen: chosen.length,
    };
  },
  total: ({ chosen }) => chosen,
};
