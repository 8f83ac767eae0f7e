/** Sends measurements to an analytics provider, and compares its reports before and after. */
import type { Client } from '../../contract/contract-types.js';
import type { AnalyticsProvider } from '../../contracts/analytics-provider.js';
import { ensure } from '../check.js';
import { add, ensureSame, type Measurement, pick, type Sum } from './figures.js';

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

/** Half of the window around a measurement, in milliseconds. */
export const MINUTE = 60_000;

/** What the checks measure with. */
export class Probe {
  readonly client: Client<typeof AnalyticsProvider>;
  readonly values: readonly [number, number, number, number];
  readonly tag: string;
  private readonly samples: AnalyticsProviderSamples;

  constructor(client: Client<typeof AnalyticsProvider>, samples: AnalyticsProviderSamples) {
    const { values = [3, 8, 1, 5], tag = 'check' } = samples;
    this.client = client;
    this.values = values;
    this.tag = tag;
    this.samples = samples;
  }

  /** The time of the measurements. */
  now(): number {
    return this.samples.at ?? Date.now();
  }

  /** The ids of the metrics that are listed. */
  async metrics(): Promise<[string, ...string[]]> {
    const listed = await this.client.metrics();
    ensure(listed.length > 0, 'no metric is listed');
    return listed.map(({ id }) => id) as [string, ...string[]];
  }

  /** What a window holds of one metric. */
  async figuresOf(metric: string, from: number, to: number): Promise<Sum> {
    return pick(await this.client.report({ metrics: [metric], from, to }), metric);
  }

  /** The window must have grown by exactly these values, whatever it held before. */
  async ensureGrowth(
    metric: string,
    from: number,
    to: number,
    added: readonly number[],
    change: () => Promise<unknown>,
  ): Promise<void> {
    const before = await this.figuresOf(metric, from, to);
    await change();
    ensureSame(await this.figuresOf(metric, from, to), added.reduce(add, before), `'${metric}'`);
  }

  /** Sends a batch, all of which must be accepted. */
  async collect(batch: Measurement[]): Promise<void> {
    const { accepted } = await this.client.collect(batch);
    ensure(
      accepted === batch.length,
      `collect() was given ${batch.length} measurements and says that it accepted ${accepted}`,
    );
  }
}
