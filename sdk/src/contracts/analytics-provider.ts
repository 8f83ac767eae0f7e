/** Metrics: lists them, collects measurements, and reports on them. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

/** Milliseconds since the epoch. */
const time = v.number();

/**
 * Collects measurements and reports on them.
 *
 * @example
 * await kernel.client(AnalyticsProvider).collect([{ metric: 'orders', value: 1 }]);
 */
export const AnalyticsProvider = contract('plinth.analytics-provider@1', {
  metrics: command({
    output: v.array(
      v.object({
        id: v.string(),
        title: v.optional(v.string()),
        unit: v.optional(v.string()),
        kind: v.picklist(['counter', 'gauge', 'histogram']),
      }),
    ),
  }),
  collect: command({
    input: v.array(
      v.object({
        metric: v.string(),
        value: v.number(),
        at: v.optional(time),
        tags: v.optional(v.record(v.string(), v.string()), {}),
      }),
    ),
    output: v.object({ accepted: v.number() }),
    errors: { unknownMetric: v.object({ metric: v.string() }) },
  }),
  report: command({
    input: v.object({
      metrics: v.optional(v.array(v.string())),
      from: time,
      to: time,
      groupBy: v.optional(v.string()),
    }),
    output: v.array(
      v.object({
        metric: v.string(),
        group: v.optional(v.string()),
        count: v.number(),
        sum: v.number(),
        min: v.number(),
        max: v.number(),
      }),
    ),
    idempotent: true,
  }),
});
