/** The rows that a list or a table shows of many, on the side of the plugin. */
import { FIRST_ROWS, ROWS_AT_ONCE, ROWS_IN_ALL, type RowSpan } from './row-span.js';

/** Makes the rows from `from` up to, and without, `to`. */
export type RowSource<T> = (from: number, to: number) => T | Promise<T>;

/** What is done with rows. */
export interface RowUse<T> {
  /** How many rows an answer has. */
  sizeOf(rows: T): number;
  /** Rows of a promise are there. */
  came(): void;
  /** A promise of rows was broken. */
  failed(error: unknown): void;
}

/**
 * Owns the range that is in sight and the last answer for it. An answer is dropped when it is older
 * than the one that is shown, or when its range is in sight no longer. One that is only older than
 * the last question counts: a view that asks faster than it is answered would show no rows at all.
 */
export class AskedRows<T> {
  readonly #use: RowUse<T>;
  #span: RowSpan = FIRST_ROWS;
  #shown: { readonly from: number; readonly rows: T } | undefined;
  /** The number of the last question, and of the one whose answer is shown. */
  #turn = 0;
  #taken = 0;
  #count = 0;

  constructor(use: RowUse<T>) {
    this.#use = use;
  }

  /** The range that is asked for. */
  get span(): RowSpan {
    return this.#span;
  }

  /** The first of the rows that are there. */
  get from(): number {
    return this.#shown?.from ?? 0;
  }

  /** The rows that are there. */
  get rows(): T | undefined {
    return this.#shown?.rows;
  }

  /** Another range is in sight. */
  move(detail: unknown): void {
    const { from, to } = Object(detail) as Partial<RowSpan>;
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return;
    const first = Math.max(0, from as number);
    this.#span = { from: first, to: Math.min(to as number, first + ROWS_AT_ONCE) };
  }

  /** Asks for the rows of the range. What is shown stays until a promise of them is kept. */
  ask(source: RowSource<T>, count: unknown): void {
    if (!Number.isSafeInteger(count) || (count as number) < 0 || (count as number) > ROWS_IN_ALL)
      throw new Error(
        `'rows' needs 'count', the number of all rows, at most ${ROWS_IN_ALL}, and not ${String(count)}`,
      );
    this.#turn += 1;
    this.#count = count as number;
    const [turn, wanted] = [this.#turn, this.#span];
    const to = Math.min(wanted.to, this.#count);
    const span = { from: Math.min(wanted.from, to), to };
    const answer = source(span.from, span.to);
    if (!(answer instanceof Promise)) return this.#take(turn, span, answer);
    const counts = () =>
      turn > this.#taken &&
      span.to <= this.#count &&
      wanted.from === this.#span.from &&
      wanted.to === this.#span.to;
    answer
      .then((rows) => {
        if (!counts()) return;
        this.#take(turn, span, rows);
        this.#use.came();
      })
      .catch((error: unknown) => {
        // An older question may have been given up for this one.
        if ((turn === this.#turn && counts()) || turn === this.#taken) this.#use.failed(error);
      });
  }

  /** What is still to come is of no use. */
  end(): void {
    this.#taken = Number.POSITIVE_INFINITY;
  }

  #take(turn: number, { from, to }: RowSpan, rows: T): void {
    const size = this.#use.sizeOf(rows);
    if (size > to - from) throw new Error(`rows(${from}, ${to}) has answered ${size} rows`);
    this.#taken = turn;
    this.#shown = { from, rows };
  }
}
