/**
 * Compares rows as any reasonable source would. Where sources may differ, both results count as
 * right.
 */
import type { InferInput, InferOutput } from '../../contract/schema.js';
import type { DataProvider } from '../../contracts/data-provider.js';
import { keyOf } from '../check.js';

/** One row of a source. */
export type Row = Readonly<Record<string, unknown>>;
/** A source as `sources()` lists it. */
export type Source = InferOutput<NonNullable<typeof DataProvider.sources.output>>[number];
/** What `query()` takes. */
export type Query = InferInput<NonNullable<typeof DataProvider.query.input>>;
/** One condition of a query. */
export type Condition = NonNullable<Query['where']>[number];
/** A value that can be compared with others of its column. */
export type Scalar = string | number | boolean;

/** Values with a defined order: not null, where sources differ, and not objects. */
export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/**
 * Below 0 when `a` is certainly first, above 0 when `b` is; 0 when they are equal or it depends on
 * the collation.
 */
export function compare(a: Scalar, b: Scalar): number {
  if (typeof a !== 'string' || typeof b !== 'string') return a === b ? 0 : a < b ? -1 : 1;
  const byUnit = a < b ? -1 : a > b ? 1 : 0;
  const [lowA, lowB] = [a.toLowerCase(), b.toLowerCase()];
  const byLetter = lowA < lowB ? -1 : lowA > lowB ? 1 : 0;
  return byUnit === byLetter && Math.sign(a.localeCompare(b, 'en')) === byUnit ? byUnit : 0;
}

/** Whether a row fits a condition; undefined when the source may decide. */
export function fits(row: Row, { column, operator, value }: Condition): boolean | undefined {
  const own = row[column];
  if (!isScalar(own)) return undefined;
  if (Array.isArray(value)) return operator === 'in' ? value.includes(own) : undefined;
  if (!isScalar(value) || typeof own !== typeof value) return undefined;
  if (operator === 'contains') return contains(own, value);
  // Different texts can only be equal by case.
  const blurred =
    typeof own === 'string' && own !== value && own.toLowerCase() === String(value).toLowerCase();
  if (blurred) return undefined;
  if (operator === '=') return own === value;
  if (operator === '!=') return own !== value;
  if (own === value) return operator === '<=' || operator === '>=';
  const order = compare(own, value);
  if (order === 0) return undefined;
  return operator.startsWith('<') ? order < 0 : order > 0;
}

function contains(own: Scalar, part: Scalar): boolean | undefined {
  if (typeof own !== 'string' || typeof part !== 'string') return undefined;
  if (own.includes(part)) return true;
  return own.toLowerCase().includes(part.toLowerCase()) ? undefined : false;
}

/** Whether a row fits all conditions; undefined when the source may decide. */
export function fitsAll(row: Row, where: readonly Condition[]): boolean | undefined {
  const each = where.map((condition) => fits(row, condition));
  return each.includes(false) ? false : each.includes(undefined) ? undefined : true;
}

/** The first row that occurs more often in `rows` than in `others`. */
export function firstMissing(rows: readonly Row[], others: readonly Row[]): Row | undefined {
  const left = new Map<string, number>();
  for (const row of others) left.set(keyOf(row), (left.get(keyOf(row)) ?? 0) + 1);
  return rows.find((row) => {
    const count = left.get(keyOf(row)) ?? 0;
    left.set(keyOf(row), count - 1);
    return count === 0;
  });
}

/** The distinct scalar values of a column, in order. */
export function valuesOf(rows: readonly Row[], column: string): readonly Scalar[] {
  const values = new Set(rows.map((row) => row[column]).filter(isScalar));
  return [...values].sort((a, b) => (a === b ? 0 : a < b ? -1 : 1));
}

/** Whether a value fits the type of its column. */
export function hasType(value: unknown, type: Source['columns'][number]['type']): boolean {
  if (value === null || value === undefined || type === 'json') return true;
  if (type === 'date') return !Number.isNaN(new Date(value as string | number | Date).getTime());
  return typeof value === type;
}
