/** Adds up measurements as a report does, and compares the two. */
import type { InferInput, InferOutput } from '../../contract/schema.js';
import type { AnalyticsProvider } from '../../contracts/analytics-provider.js';
import { ensure } from '../check.js';

/** What `collect()` takes. */
export type Measurement = InferInput<NonNullable<typeof AnalyticsProvider.collect.input>>[number];
/** One row of a report. */
export type Figures = InferOutput<NonNullable<typeof AnalyticsProvider.report.output>>[number];
/** What measurements of one metric add up to. */
export type Sum = Pick<Figures, 'count' | 'sum' | 'min' | 'max'>;

const NOTHING: Sum = {
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
};

/** The figures of a metric; those of no measurement when there is no row. */
export function pick(rows: readonly Figures[], metric: string, group?: string): Sum {
  return (
    rows.find((row) => row.metric === metric && row.group === group && row.count > 0) ?? NOTHING
  );
}

/** The figures with one more measurement. */
export function add({ count, sum, min, max }: Sum, value: number): Sum {
  return {
    count: count + 1,
    sum: sum + value,
    min: Math.min(min, value),
    max: Math.max(max, value),
  };
}

/** Fails a check unless the figures are as expected. */
export function ensureSame(found: Sum, expected: Sum, what: string): void {
  for (const key of ['count', 'sum', 'min', 'max'] as const) {
    ensure(
      isClose(found[key], expected[key]),
      `${key} of ${what} should be ${expected[key]}, not ${found[key]}`,
    );
  }
}

/** Fails a check where the figures of a row contradict each other. */
export function ensureSound({ metric, count, sum, min, max }: Figures): void {
  ensure(Number.isInteger(count) && count >= 0, `the count of '${metric}' is ${count}`);
  if (count === 0) return;
  ensure(min <= max, `'${metric}' has a least value above its greatest`, { min, max });
  const mean = sum / count;
  ensure(
    (mean >= min || isClose(mean, min)) && (mean <= max || isClose(mean, max)),
    `the sum of '${metric}' can't come of ${count} values from ${min} to ${max}`,
    { sum },
  );
}

/** Compares with a tolerance, because sums of fractions depend on their order. */
function isClose(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}
