/** The checks of `AnalyticsProvider` find the faults they are for. */
import { AnalyticsProvider } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove, wait } from './prove.ts';

interface Measurement {
  readonly metric: string;
  readonly value: number;
  readonly at: number;
  readonly tags: Readonly<Record<string, string>>;
}
interface Figures {
  metric: string;
  group?: string;
  count: number;
  sum: number;
  min: number;
  max: number;
}
interface Query {
  readonly metrics?: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly groupBy?: string;
}
interface Parts {
  metrics(): readonly string[];
  knows(metric: string): boolean;
  readonly unknown: 'declared' | 'error' | 'skipped' | 'other name';
  readonly whole: boolean;
  now(): number;
  store(kept: { all: readonly Measurement[] }, batch: readonly Measurement[]): unknown;
  accepted(count: number): number;
  isInside(at: number, from: number, to: number): boolean;
  isAsked(metric: string, query: Query): boolean;
  group(measurement: Measurement, by: string): string | undefined;
  start(measurement: Measurement): Figures;
  add(row: Figures, value: number): Figures;
  report(rows: Figures[], kept: { all: readonly Measurement[] }): Figures[];
}

const METRICS = ['orders', 'latency'];
const keep: Parts['store'] = (kept, batch) => {
  kept.all = [...kept.all, ...batch];
};
const sound: Parts = {
  metrics: () => METRICS,
  knows: (metric) => METRICS.includes(metric),
  unknown: 'declared',
  whole: true,
  now: () => Date.now(),
  store: keep,
  accepted: (count) => count,
  isInside: (at, from, to) => at >= from && at < to,
  isAsked: (metric, { metrics }) => metrics === undefined || metrics.includes(metric),
  group: ({ tags }, by) => (Object.hasOwn(tags, by) ? tags[by] : undefined),
  start: ({ metric }) => ({
    metric,
    count: 0,
    sum: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
  }),
  add: (row, value) => ({
    ...row,
    count: row.count + 1,
    sum: row.sum + value,
    min: Math.min(row.min, value),
    max: Math.max(row.max, value),
  }),
  report: (rows) => rows,
};
const add = (change: (row: Figures, value: number) => Partial<Figures>): Partial<Parts> => ({
  add: (row, value) => ({ ...sound.add(row, value), ...change(row, value) }),
});
const report = (change: Parts['report']): Partial<Parts> => ({ report: change });
const objects: Readonly<Record<string, number>> = { orders: 1, latency: 1 };

const LIST = 'metrics() lists each metric once';
const SUMS = 'what is collected is what is reported, for every metric';
const NOW = 'collect() takes what has no time as of now';
const EMPTY = 'collect() takes an empty batch';
const AT_ONCE = 'collect() loses nothing of batches that come at once';
const UNKNOWN = "collect() of an unknown metric fails with 'unknownMetric'";
const WHOLE = 'collect() takes all of a batch or nothing';
const BOUNDS = 'report() keeps to its bounds';
const NOTHING = 'report() has nothing to say of times without measurements';
const SOUND = 'report() answers one row of sound figures for each metric';
const ASKED = 'report() answers the metrics it is asked for';
const STEADY = 'report() changes nothing';
const GROUPS = 'report() groups by a tag';

prove<typeof AnalyticsProvider, Parts>({
  contract: AnalyticsProvider,
  implement(parts) {
    const made = { ...sound, ...parts };
    const kept: { all: readonly Measurement[] } = { all: [] };
    return {
      metrics: () => made.metrics().map((id) => ({ id, kind: 'histogram' as const })),
      async collect(batch, call) {
        const taken: Measurement[] = [];
        for (const { metric, value, at = made.now(), tags } of batch) {
          if (made.knows(metric)) taken.push({ metric, value, at, tags });
          else if (made.unknown !== 'skipped') {
            if (!made.whole) made.store(kept, taken);
            if (made.unknown === 'error') throw new Error(`no metric ${metric}`);
            call.fail('unknownMetric', { metric: made.unknown === 'declared' ? metric : 'metric' });
          }
        }
        await made.store(kept, taken);
        return { accepted: made.accepted(taken.length) };
      },
      report(query) {
        const rows = new Map<string, Figures>();
        for (const one of kept.all) {
          if (!made.isAsked(one.metric, query) || !made.isInside(one.at, query.from, query.to))
            continue;
          const group = query.groupBy === undefined ? undefined : made.group(one, query.groupBy);
          const key = JSON.stringify([one.metric, group]);
          const row = rows.get(key) ?? {
            ...made.start(one),
            ...(group !== undefined && { group }),
          };
          rows.set(key, made.add(row, one.value));
        }
        return made.report([...rows.values()], kept);
      },
    };
  },
  checks: (kernel) => contractChecks(AnalyticsProvider, kernel.client(AnalyticsProvider)),
  mutants: [
    ['no metrics', { metrics: () => [] }, LIST],
    ['a metric twice', { metrics: () => [...METRICS, 'orders'] }, LIST],
    ['a metric without an id', { metrics: () => [...METRICS, ''] }, LIST],
    [
      'metrics that come and go',
      { metrics: alternate(METRICS, METRICS.toReversed()) },
      'metrics() answers the same again',
    ],
    ['a listed metric that cannot be collected', { metrics: () => [...METRICS, 'ghost'] }, SUMS],
    ['a count of batches', add(({ count }) => ({ count: Math.max(1, count) })), SUMS],
    ['a sum that is the last value', add((_, sum) => ({ sum })), SUMS],
    [
      'a least value that is the first',
      add((row, value) => ({ min: row.count === 0 ? value : row.min })),
      SUMS,
    ],
    ['a least value that starts at 0', { start: (one) => ({ ...sound.start(one), min: 0 }) }, SUMS],
    ['a greatest value that is the last', add((_, max) => ({ max })), SUMS],
    ['says it accepted one', { accepted: () => 1 }, SUMS],
    [
      'keeps only the last batch',
      { store: (kept, batch) => Object.assign(kept, { all: batch }) },
      SUMS,
    ],
    [
      'the same value counts once',
      {
        store: (kept, batch) =>
          keep(
            kept,
            batch.filter(({ value }) => !kept.all.some((one) => one.value === value)),
          ),
      },
      AT_ONCE,
    ],
    ['no time is the beginning of time', { now: () => 0 }, NOW],
    ['times in seconds', { now: () => Math.floor(Date.now() / 1_000) }, NOW],
    ['an empty batch is one', { accepted: (count) => Math.max(1, count) }, EMPTY],
    [
      'an empty batch is refused',
      {
        store(kept, batch) {
          if (batch.length === 0) throw new Error('nothing to collect');
          keep(kept, batch);
        },
      },
      EMPTY,
    ],
    [
      'reads, waits and writes',
      {
        async store(kept, batch) {
          const { all } = kept;
          await wait(1);
          kept.all = [...all, ...batch];
        },
      },
      AT_ONCE,
    ],
    ['unknown metrics are skipped', { unknown: 'skipped' }, UNKNOWN],
    ['unknown metrics throw something else', { unknown: 'error' }, UNKNOWN],
    ['unknown metrics are called by another name', { unknown: 'other name' }, UNKNOWN],
    [
      'metrics are looked up with what every object has',
      { knows: (metric) => metric in objects },
      UNKNOWN,
    ],
    ['keeps what came before an unknown metric', { whole: false }, WHOLE],
    ['no lower bound', { isInside: (at, _, to) => at < to }, BOUNDS],
    ['no upper bound', { isInside: (at, from) => at >= from }, BOUNDS],
    [
      'bounds in days',
      { isInside: (at, from, to) => Math.abs(at - (from + to) / 2) < 86_400_000 },
      BOUNDS,
    ],
    [
      'bounds in any order',
      { isInside: (at, from, to) => at >= Math.min(from, to) && at < Math.max(from, to) },
      NOTHING,
    ],
    [
      'figures of nothing',
      report((rows) =>
        rows.length === 0 ? [{ metric: 'orders', count: 1, sum: 0, min: 0, max: 0 }] : rows,
      ),
      NOTHING,
    ],
    [
      'a metric in two rows',
      report((rows) => [...rows, ...rows.map((row) => ({ ...row }))]),
      SOUND,
    ],
    [
      'an unlisted metric',
      report((rows) => [...rows, { metric: 'other', count: 1, sum: 1, min: 1, max: 1 }]),
      SOUND,
    ],
    ['a metric is left out', report((rows) => rows.slice(1)), SOUND],
    [
      'a sum that is a mean',
      report((rows) => rows.map((row) => ({ ...row, sum: row.sum / row.count / 2 }))),
      SOUND,
    ],
    [
      'least and greatest are swapped',
      report((rows) => rows.map((row) => ({ ...row, min: row.max, max: row.min }))),
      SOUND,
    ],
    ['all metrics, always', { isAsked: () => true }, ASKED],
    [
      'no metric is all of them',
      { isAsked: (metric, { metrics = [] }) => metrics.length === 0 || metrics.includes(metric) },
      ASKED,
    ],
    ['a report forgets', report((rows, kept) => Object.assign(kept, { all: [] }) && rows), STEADY],
    ['a least value that is the last', add((_, min) => ({ min })), SUMS],
    [
      'a report is a measurement',
      report((rows, kept) => {
        keep(kept, [{ metric: 'orders', value: 1, at: Date.now(), tags: {} }]);
        return rows;
      }),
      STEADY,
    ],
    ['groups are ignored', { group: () => undefined }, GROUPS],
    ['groups by any tag', { group: ({ tags }) => Object.values(tags).at(-1) }, GROUPS],
    ['no tag is a group', { group: ({ tags }, by) => tags[by] ?? 'one' }, GROUPS],
    ['groups are one too many', { group: ({ tags }, by) => tags[by]?.slice(0, 1) }, GROUPS],
  ],
});
