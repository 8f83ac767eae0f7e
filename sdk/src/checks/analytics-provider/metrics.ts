/** Checks of `metrics()`. */
import { type Checks, ensure, ensureSteady, ensureUnique } from '../check.js';
import type { Probe } from './probe.js';

/** Checks of the metrics that are listed. */
export function metrics(probe: Probe): Checks {
  return {
    'metrics() lists each metric once': async () => {
      const ids = await probe.metrics();
      ensureUnique(ids, 'metric');
      ensure(
        ids.every((id) => id.trim() !== ''),
        'a metric has no id',
      );
    },
    'metrics() answers the same again': async () => {
      await ensureSteady(() => probe.client.metrics(), 'metrics()');
    },
  };
}
