/**
 * Queries over rows in memory. Null has no order: it comes last, and no comparison with it is true.
 */

/** A value in a row. */
export type Cell = string | number | boolean | null;
/** One row. */
export type Row = Readonly<Record<string, Cell>>;

/** The query. */
export interface Query {
  readonly columns?: readonly string[];
  readonly where: readonly {
    readonly column: string;
    readonly operator: Operator;
    readonly value: Cell | readonly Cell[];
  }[];
  readonly orderBy: readonly { readonly column: string; readonly descending: boolean }[];
  readonly limit: number;
  readonly offset: number;
}

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'contains';

/** The columns that a query names anywhere. */
export function columnsOf({ columns = [], where, orderBy }: Query): readonly string[] {
  return [...columns, ...where.map(({ column }) => column), ...orderBy.map(({ column }) => column)];
}

/** The rows that a query asks for, and how many there are without its limit. */
export function select(
  rows: readonly Row[],
  { columns, where, orderBy, limit, offset }: Query,
): { rows: Row[]; total: number } {
  const chosen = rows.filter((row) =>
    where.every(({ column, operator, value }) => holds(row[column] ?? null, operator, value)),
  );
  const ordered = chosen.toSorted((a, b) => {
    for (const { column, descending } of orderBy) {
      const order = inOrder(a[column] ?? null, b[column] ?? null, descending);
      if (order !== 0) return order;
    }
    return 0;
  });
  const page = ordered.slice(offset, offset + limit);
  return {
    rows: columns === undefined ? page : page.map((row) => pick(row, columns)),
    total: chosen.length,
  };
}

function holds(cell: Cell, operator: Operator, value: Cell | readonly Cell[]): boolean {
  if (operator === 'in') return isList(value) && value.includes(cell);
  if (isList(value)) return false;
  if (operator === '=') return cell === value;
  if (operator === '!=') return cell !== value;
  if (operator === 'contains') return typeof cell === 'string' && cell.includes(String(value));
  if (cell === null || value === null || typeof cell !== typeof value) return false;
  if (operator === '<') return cell < value;
  if (operator === '<=') return cell <= value;
  return operator === '>' ? cell > value : cell >= value;
}

function inOrder(a: Cell, b: Cell, descending: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b !== descending ? -1 : 1;
}

function pick(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
}

function isList(value: Cell | readonly Cell[]): value is readonly Cell[] {
  return Array.isArray(value);
}
