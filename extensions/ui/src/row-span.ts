/** Rows that are asked for by range, as both sides know them. */

/** Rows from `from` up to, and without, `to`. */
export interface RowSpan {
  readonly from: number;
  readonly to: number;
}

/** The rows that are made before any others are asked for. */
export const FIRST_ROWS: RowSpan = Object.freeze({ from: 0, to: 50 });
/** Rows that are asked for at once. */
export const ROWS_AT_ONCE = 200;
/**
 * Rows of one list or table: 35 pixels each are 9 million, and browsers lay out no element that is
 * much taller.
 */
export const ROWS_IN_ALL = 250_000;
