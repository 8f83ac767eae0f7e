/** What a chart shows: a plugin's lists of numbers, which travel as JSON. */
import type { Check } from './checks.js';

/** One row of numbers. */
export interface ChartSeries {
  /** At most 80 characters. */
  readonly label: string;
  /** Null where there is no value. At most 500. */
  readonly values: readonly (number | null)[];
}

const SERIES = 8;
const VALUES = 500;
const LABEL = 80;
/** Characters of all series: eight times 500 numbers as JavaScript writes them. */
const CHARACTERS = 100_000;
/** Differences of such numbers are still finite, and can be read. */
const LARGEST = 1e15;

/** Names of the values, from JSON. Undefined for what is no list of short texts. */
export function pointsOf(value: unknown): readonly string[] | undefined {
  const points = parsed(value);
  return Array.isArray(points) && points.length <= VALUES && points.every(isLabel)
    ? points
    : undefined;
}

/** The rows of a chart, from JSON. Undefined when any part of it doesn't fit. */
export function seriesOf(value: unknown): readonly ChartSeries[] | undefined {
  const series = parsed(value);
  if (!Array.isArray(series) || series.length > SERIES) return undefined;
  const rows = series.map((one: unknown) => {
    const { label, values } = Object(one) as Partial<ChartSeries>;
    const fits = isLabel(label) && Array.isArray(values) && values.length <= VALUES;
    return fits && values.every(isValue) ? { label, values } : undefined;
  });
  return rows.every((row) => row !== undefined) ? rows : undefined;
}

/** Checks names of values. */
export const points: Check = (value) => written(pointsOf(value));
/** Checks rows of numbers. */
export const series: Check = (value) => written(seriesOf(value));

/**
 * How many cells the table of a chart has: in each of its rows a name, and a value of each of the
 * series, whether it has one there or not.
 */
export function cellsIn(series: unknown, points?: unknown): number {
  const all = seriesOf(series) ?? [];
  const rows = Math.max(
    (pointsOf(points) ?? []).length,
    ...all.map(({ values }) => values.length),
    0,
  );
  return rows * (all.length + 1);
}

/** The text holds nothing but what was checked. */
const written = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

const isLabel = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LABEL;

const isValue = (value: unknown): value is number | null =>
  value === null || (typeof value === 'number' && Math.abs(value) <= LARGEST);

function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || value.length > CHARACTERS) return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
