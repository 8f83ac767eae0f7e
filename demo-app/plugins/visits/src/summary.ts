/** Summarises measurements. */

/** One measurement; `at` is in milliseconds since the epoch. */
export interface Measurement {
  readonly metric: string;
  readonly value: number;
  readonly at: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** What to report. Both bounds are inside the window. */
export interface ReportQuery {
  readonly metrics?: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly groupBy?: string;
}

/**
 * The figures of one metric, or of one group of it. Without a group: of measurements that lack the
 * tag.
 */
export interface Figures {
  metric: string;
  group?: string;
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** One row for each metric and group that has measurements. */
export function summarise(
  measurements: readonly Measurement[],
  { metrics, from, to, groupBy }: ReportQuery,
): Figures[] {
  const rows = new Map<string, Figures>();
  for (const { metric, value, at, tags } of measurements) {
    if (at < from || at > to || (metrics !== undefined && !metrics.includes(metric))) continue;
    const group = groupBy !== undefined && Object.hasOwn(tags, groupBy) ? tags[groupBy] : undefined;
    const key = JSON.stringify([metric, group]);
    const row = rows.get(key) ?? {
      metric,
      ...(group !== undefined && { group }),
      count: 0,
      sum: 0,
      min: value,
      max: value,
    };
    rows.set(key, {
      ...row,
      count: row.count + 1,
      sum: row.sum + value,
      min: Math.min(row.min, value),
      max: Math.max(row.max, value),
    });
  }
  return [...rows.values()];
}
