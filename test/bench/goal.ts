/** What a benchmark goal is, and the rows that can have one. */

/** Rows that can be chosen with `--only`. Each runs in its own process. */
export const ROWS = [
  'calls',
  'cold',
  'kernel',
  'validation',
  'extension',
  'otel',
  'relay',
  'events',
  'crowd',
  'spare',
  'sandbox',
  'views',
  'held',
  'memory',
  'settle',
  'flood',
  'size',
  'start10k',
  'resolve10k',
  'search10k',
  'http',
  'swap',
  'reload-memory',
  'asleep',
] as const;
export type RowName = (typeof ROWS)[number];

/**
 * Rows that need both cores, because they show two workers at the same time, or how long the host's
 * thread is free. Every other row is steadier on one.
 */
export const UNPINNED: ReadonlySet<RowName> = new Set(['flood', 'swap', 'held', 'views']);
/** Rows that read folders of plugins or listen for connections, which a page can't. */
export const ONLY_NODE: ReadonlySet<RowName> = new Set(['start10k', 'asleep', 'http']);
/** Rows that need a page. */
export const ONLY_PAGE: ReadonlySet<RowName> = new Set(['views']);

/** One line of the table of goals. */
export interface Goal {
  readonly row: RowName;
  /** Name of the outcome within its row. */
  readonly key: string;
  readonly what: string;
  readonly unit: '' | 'µs' | 'ms' | 'ms late' | 'kB' | 'MB';
  readonly is: 'at least' | 'at most';
  readonly node: number;
  readonly chromium: number;
  /** Shown for comparison; there is no goal. */
  readonly informational?: true;
  /** A guarantee, not a speed: the benchmark exits with 1 when it fails. */
  readonly required?: true;
}

/** What most goals don't say. */
type More = Partial<Pick<Goal, 'unit' | 'informational' | 'required'>>;

type MakeGoal = (
  row: RowName,
  key: string,
  what: string,
  node: number,
  chromium: number,
  more?: More,
) => Goal;

const goalThat =
  (is: Goal['is']): MakeGoal =>
  (row, key, what, node, chromium, more = {}) => ({
    row,
    key,
    what,
    unit: '',
    is,
    node,
    chromium,
    ...more,
  });

/** A goal that larger figures meet. */
export const atLeast = goalThat('at least');
/** A goal that smaller figures meet. */
export const atMost = goalThat('at most');

/** Whether a value meets its goal. */
export function meets({ is }: Pick<Goal, 'is'>, value: number, limit: number): boolean {
  return is === 'at least' ? value >= limit : value <= limit;
}
