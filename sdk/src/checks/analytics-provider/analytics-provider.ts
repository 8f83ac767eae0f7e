/** Checks of `AnalyticsProvider`. */
import type { Client } from '../../contract/contract-types.js';
import { AnalyticsProvider } from '../../contracts/analytics-provider.js';
import { type Check, checksOf } from '../check.js';
import { collect } from './collect.js';
import { groups } from './groups.js';
import { metrics } from './metrics.js';
import { type AnalyticsProviderSamples, Probe } from './probe.js';
import { report } from './report.js';

/** The checks of one `AnalyticsProvider`. Nothing else may collect meanwhile. */
export function analyticsProviderChecks(
  client: Client<typeof AnalyticsProvider>,
  samples: AnalyticsProviderSamples,
): readonly Check[] {
  const probe = new Probe(client, samples);
  return checksOf(AnalyticsProvider, {
    ...metrics(probe),
    ...collect(probe),
    ...report(probe),
    ...groups(probe),
  });
}
