/** Checks of `AnalyticsProvider`. */
import type { Client } from '../contract/contract-types.js';
import type { InferInput, InferOutput } from '../contract/schema.js';
import { AnalyticsProvider } from '../contracts/analytics-provider.js';
import {
  type Check,
  checksOf,
  ensure,
  ensureDeclared,
  ensureSteady,
  ensureUnique,
  keyOf,
  NO_SUCH,
} from './check.js';

/**
 * Samples for the checks of an `AnalyticsProvider`. The checks collect measurements, so use a
 * provider that may keep them.
 */
export interface AnalyticsProviderSamples {
  /** Milliseconds since the epoch, around which measurements are taken; now when absent. */
  readonly at?: number;
  /** Values of each metric; 3, 8, 1 and 5 when absent. */
  readonly values?: readonly [number, number, number, number];
  /** A tag that measurements may have; `check` when absent. */
  readonly tag?: string;
}

type Measurement = InferInput<NonNullable<typeof AnalyticsProvider.collect.input>>[number];
type Figures = InferOutput<NonNullable<typeof AnalyticsProvider.report.output>>[number];
type Sum = Pick<Figures, 'count' | 'sum' | 'min' | 'max'>;

const MINUTE = 60_000;
/** Batches that are sent at once. */
const CROWD = 8;
const NOTHING: Sum = {
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
};

/** The checks of one `AnalyticsProvider`. Nothing else may collect meanwhile. */
export function analyticsProviderChecks(
  client: Client<typeof AnalyticsProvider>,
  samples: AnalyticsProviderSamples,
): readonly Check[] {
  const { values = [3, 8, 1, 5], tag = 'check' } = samples;
  const now = () => samples.at ?? Date.now();
  const metrics = async () => {
    const listed = await client.metrics();
    ensure(listed.length > 0, 'no metric is listed');
    return listed.map(({ id }) => id) as [string, ...string[]];
  };
  const figuresOf = async (metric: string, from: number, to: number) =>
    pick(await client.report({ metrics: [metric], from, to }), metric);
  /** The window must have grown by exactly these values, whatever it held before. */
  const ensureGrowth = async (
    metric: string,
    from: number,
    to: number,
    added: readonly number[],
    change: () => Promise<unknown>,
  ) => {
    const before = await figuresOf(metric, from, to);
    await change();
    ensureSame(await figuresOf(metric, from, to), added.reduce(add, before), `'${metric}'`);
  };
  const collect = async (batch: Measurement[]) => {
    const { accepted } = await client.collect(batch);
    ensure(
      accepted === batch.length,
      `collect() was given ${batch.length} measurements and says that it accepted ${accepted}`,
    );
  };

  return checksOf(AnalyticsProvider, {
    'metrics() lists each metric once': async () => {
      const ids = await metrics();
      ensureUnique(ids, 'metric');
      ensure(
        ids.every((id) => id.trim() !== ''),
        'a metric has no id',
      );
    },
    'metrics() answers the same again': async () => {
      await ensureSteady(() => client.metrics(), 'metrics()');
    },
    'what is collected is what is reported, for every metric': async () => {
      for (const metric of await metrics()) {
        const at = now();
        const measured = values.map((value) => ({ metric, value, at }));
        await ensureGrowth(metric, at - MINUTE, at + MINUTE, values, async () => {
          await collect(measured.slice(0, 2));
          await collect(measured.slice(2));
        });
      }
    },
    'collect() takes what has no time as of now': async () => {
      const [metric] = await metrics();
      const before = Date.now();
      await ensureGrowth(metric, before - MINUTE, before + MINUTE, [values[0]], () =>
        collect([{ metric, value: values[0] }]),
      );
    },
    'collect() takes an empty batch': async () => {
      const [metric] = await metrics();
      await ensureGrowth(metric, now() - MINUTE, now() + MINUTE, [], () => collect([]));
    },
    'collect() loses nothing of batches that come at once': async () => {
      const [metric] = await metrics();
      const at = now();
      const added = Array.from({ length: CROWD }, () => values).flat();
      const change = () =>
        Promise.all(
          Array.from({ length: CROWD }, () =>
            collect(values.map((value) => ({ metric, value, at }))),
          ),
        );
      await ensureGrowth(metric, at - MINUTE, at + MINUTE, added, change);
    },
    "collect() of an unknown metric fails with 'unknownMetric'": async () => {
      const listed = new Set<string>(await metrics());
      for (const metric of NO_SUCH)
        if (!listed.has(metric))
          await ensureDeclared(client.collect([{ metric, value: values[0] }]), 'unknownMetric', {
            metric,
          });
    },
    'collect() takes all of a batch or nothing': async () => {
      const [metric] = await metrics();
      const at = now();
      const measured = (what: string) => ({ metric: what, value: values[0], at });
      const unknown = NO_SUCH[0];
      for (const batch of [
        [metric, unknown],
        [unknown, metric],
        [metric, unknown, metric],
      ]) {
        await ensureGrowth(metric, at - MINUTE, at + MINUTE, [], () =>
          ensureDeclared(client.collect(batch.map(measured)), 'unknownMetric', { metric: unknown }),
        );
      }
    },
    'report() keeps to its bounds': async () => {
      const [metric] = await metrics();
      const at = now();
      const [before, within, after] = values;
      const spread = () =>
        collect([
          { metric, value: before, at: at - 2 * MINUTE },
          { metric, value: within, at },
          { metric, value: after, at: at + 2 * MINUTE },
        ]);
      await ensureGrowth(metric, at - MINUTE, at + MINUTE, [within], spread);
      await ensureGrowth(metric, at - 3 * MINUTE, at + MINUTE, [before, within], spread);
      await ensureGrowth(metric, at - MINUTE, at + 3 * MINUTE, [within, after], spread);
    },
    'report() has nothing to say of times without measurements': async () => {
      const [metric] = await metrics();
      await collect([{ metric, value: values[0], at: now() }]);
      for (const [from, to] of [
        [1, 2],
        [now() + MINUTE, now() - MINUTE],
      ] as const) {
        const counted = (await client.report({ from, to })).filter(({ count }) => count !== 0);
        ensure(counted.length === 0, `there are figures between ${from} and ${to}`, {
          metric: counted[0]?.metric,
        });
      }
    },
    'report() answers one row of sound figures for each metric': async () => {
      const ids = await metrics();
      const at = now();
      for (const metric of ids) await collect(values.map((value) => ({ metric, value, at })));
      const rows = await client.report({ from: at - MINUTE, to: at + MINUTE });
      ensureUnique(
        rows.map(({ metric }) => metric),
        'metric',
      );
      for (const id of ids)
        ensure(
          rows.some(({ metric }) => metric === id),
          `'${id}' was measured and isn't reported`,
        );
      for (const row of rows) {
        ensure(ids.includes(row.metric), `'${row.metric}' is reported and isn't listed`);
        ensureSound(row);
      }
    },
    'report() answers the metrics it is asked for': async () => {
      const ids = await metrics();
      const at = now();
      for (const metric of ids) await collect([{ metric, value: values[0], at }]);
      const window = { from: at - MINUTE, to: at + MINUTE };
      for (const metric of ids) {
        const rows = await client.report({ metrics: [metric], ...window });
        ensure(
          rows.length === 1 && rows[0]?.metric === metric,
          `the report of '${metric}' should be about it alone`,
          { metrics: rows.map((row) => row.metric) },
        );
      }
      for (const metrics of [[], [NO_SUCH[0]]]) {
        const counted = (await client.report({ metrics, ...window })).filter(
          ({ count }) => count !== 0,
        );
        ensure(
          counted.length === 0,
          `the report of ${metrics.length === 0 ? 'no metric' : 'an unknown metric'} has figures`,
        );
      }
    },
    'report() changes nothing': async () => {
      const [metric] = await metrics();
      await collect([{ metric, value: values[0], at: now() }]);
      const window = { from: now() - MINUTE, to: now() + MINUTE };
      await ensureSteady(() => client.report(window), 'report()');
    },
    'report() groups by a tag': async () => {
      const [metric] = await metrics();
      const at = now();
      const query = { metrics: [metric], from: at - MINUTE, to: at + MINUTE, groupBy: tag };
      const before = await client.report(query);
      const [one, two, none] = values;
      await collect([
        { metric, value: one, at, tags: { [tag]: 'one' } },
        { metric, value: two, at, tags: { [tag]: 'two', other: 'one' } },
        { metric, value: one, at, tags: { [tag]: 'two' } },
        { metric, value: none, at, tags: { other: 'one' } },
        // A tag's text must not be taken for a property name.
        { metric, value: none, at, tags: { [tag]: 'constructor' } },
      ]);
      const after = await client.report(query);
      ensureUnique(
        after.map(({ group }) => keyOf(group)),
        'group',
      );
      const grown = (group: string, added: readonly number[]) =>
        ensureSame(
          pick(after, metric, group),
          added.reduce(add, pick(before, metric, group)),
          `'${metric}' in group '${group}'`,
        );
      grown('one', [one]);
      grown('two', [two, one]);
      grown('constructor', [none]);
      for (const row of after) ensureSound(row);
      const { count } = await figuresOf(metric, query.from, query.to);
      const grouped = after.reduce(
        (sum, row) => sum + (row.group === undefined ? 0 : row.count),
        0,
      );
      ensure(grouped < count, 'a measurement without the tag is counted in a group');
    },
  });
}

function pick(rows: readonly Figures[], metric: string, group?: string): Sum {
  return (
    rows.find((row) => row.metric === metric && row.group === group && row.count > 0) ?? NOTHING
  );
}

function add({ count, sum, min, max }: Sum, value: number): Sum {
  return {
    count: count + 1,
    sum: sum + value,
    min: Math.min(min, value),
    max: Math.max(max, value),
  };
}

function ensureSame(found: Sum, expected: Sum, what: string): void {
  for (const key of ['count', 'sum', 'min', 'max'] as const) {
    ensure(
      isClose(found[key], expected[key]),
      `${key} of ${what} should be ${expected[key]}, not ${found[key]}`,
    );
  }
}

function ensureSound({ metric, count, sum, min, max }: Figures): void {
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
