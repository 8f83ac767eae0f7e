/** Counts visits: in memory for fast reports, in storage to survive a restart. */
import { definePlugin, type PluginStorage } from '@plinth/sdk';
import { AnalyticsProvider } from '@plinth/sdk/contracts';
import * as v from 'valibot';
import { type Measurement, summarise } from './summary.ts';

const METRICS = [
  { id: 'visits', title: 'Visits', kind: 'counter' },
  { id: 'duration', title: 'How long a visit lasts', unit: 'ms', kind: 'histogram' },
] as const;
const PREFIX = 'batch:';
const Batch = v.array(
  v.object({
    metric: v.string(),
    value: v.number(),
    at: v.number(),
    tags: v.record(v.string(), v.string()),
  }),
);

export default definePlugin({
  provides: [AnalyticsProvider],
  async activate(ctx) {
    const { storage } = ctx;
    const measurements = await load(storage);

    ctx.provide(AnalyticsProvider, {
      metrics: () => [...METRICS],
      async collect(batch, call) {
        const unknown = batch.find(({ metric }) => !METRICS.some(({ id }) => id === metric));
        if (unknown !== undefined) call.fail('unknownMetric', { metric: unknown.metric });
        if (batch.length === 0) return { accepted: 0 };
        const taken = batch.map(({ metric, value, at = Date.now(), tags }) => ({
          metric,
          value,
          at,
          tags,
        }));
        const number = await storage.update<number>('last', (last = 0) => last + 1);
        // One value per batch: storage takes all of it, or nothing when the quota is full.
        await storage.set(`${PREFIX}${number}`, taken);
        measurements.push(...taken);
        return { accepted: taken.length };
      },
      report: (query) => summarise(measurements, query),
    });
  },
});

async function load(storage: PluginStorage): Promise<Measurement[]> {
  const keys = await storage.keys(PREFIX);
  const batches = await Promise.all(
    keys.map(async (key) => v.parse(Batch, await storage.get(key))),
  );
  return batches.flat();
}
