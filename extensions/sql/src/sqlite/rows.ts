/** Values and rows on their way in and out of SQLite. */
import type { Most, Rows } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import type { SqliteStatement } from './driver.js';
import { Refused } from './failure.js';

/** Integers are bound as such: a plain number would be a real in a column without a type. */
export function toInput(value: SqlValue): SqlValue {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)
    ? BigInt(value)
    : value;
}

/** Integers that a number holds exactly are numbers. */
export function fromOutput(value: SqlValue): SqlValue {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * The names of a statement's columns. They hold once it has run: SQLite prepares it again when
 * another statement has changed its tables.
 */
export const columnsOf = (statement: SqliteStatement): readonly string[] =>
  statement.columns().map(({ name }) => name);

/** All rows. @throws Refused `too-large`. */
export function whole(statement: SqliteStatement, values: readonly SqlValue[], most: Most): Rows {
  const iterator = statement.iterate(...values) as unknown as Iterator<SqlValue[]>;
  const taken = take(iterator, most);
  if (taken.next === undefined) return { columns: columnsOf(statement), rows: taken.rows };
  iterator.return?.();
  throw new Refused(
    'too-large',
    `the result has more than ${most.rows} rows or ${most.bytes} bytes: limit it, or read it by stream()`,
  );
}

/**
 * Rows up to a bound, and the first that had no place. There is at least one.
 *
 * @throws Refused `too-large` for a row alone.
 */
export function take(
  iterator: Iterator<SqlValue[]>,
  most: Most,
  first?: SqlValue[],
): { readonly rows: SqlValue[][]; readonly next: SqlValue[] | undefined } {
  const rows: SqlValue[][] = [];
  let bytes = 0;
  const add = (row: SqlValue[]): boolean => {
    const size = row.reduce((sum: number, value) => sum + sizeOf(value), 8);
    if (size > most.row)
      throw new Refused('too-large', `a row has ${size} bytes, more than the limit of ${most.row}`);
    bytes += size;
    if (rows.length > 0 && (rows.length >= most.rows || bytes > most.bytes)) return false;
    rows.push(row);
    return true;
  };
  if (first !== undefined) add(first);
  for (;;) {
    const { done, value } = iterator.next();
    if (done === true) return { rows, next: undefined };
    const row = value.map(fromOutput);
    if (!add(row)) return { rows, next: row };
  }
}

function sizeOf(value: SqlValue): number {
  if (typeof value === 'string') return value.length * 2;
  return value instanceof Uint8Array ? value.byteLength : 8;
}
