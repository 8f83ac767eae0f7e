/** Checks of `collect()`. */
import { type Checks, ensureDeclared, NO_SUCH } from '../check.js';
import { MINUTE, type Probe } from './probe.js';

/** Batches that are sent at once. */
const CROWD = 8;

/** Checks of what is collected. */
export function collect(probe: Probe): Checks {
  return { ...accepted(probe), ...refused(probe) };
}

function accepted(probe: Probe): Checks {
  return {
    'what is collected is what is reported, for every metric': async () => {
      for (const metric of await probe.metrics()) {
        const at = probe.now();
        const measured = probe.values.map((value) => ({ metric, value, at }));
        await probe.ensureGrowth(metric, at - MINUTE, at + MINUTE, probe.values, async () => {
          await probe.collect(measured.slice(0, 2));
          await probe.collect(measured.slice(2));
        });
      }
    },
    'collect() takes what has no time as of now': async () => {
      const [metric] = await probe.metrics();
      const before = Date.now();
      await probe.ensureGrowth(metric, before - MINUTE, before + MINUTE, [probe.values[0]], () =>
        probe.collect([{ metric, value: probe.values[0] }]),
      );
    },
    'collect() takes an empty batch': async () => {
      const [metric] = await probe.metrics();
      await probe.ensureGrowth(metric, probe.now() - MINUTE, probe.now() + MINUTE, [], () =>
        probe.collect([]),
      );
    },
    'collect() loses nothing of batches that come at once': async () => {
      const [metric] = await probe.metrics();
      const at = probe.now();
      const added = Array.from({ length: CROWD }, () => probe.values).flat();
      const change = () =>
        Promise.all(
          Array.from({ length: CROWD }, () =>
            probe.collect(probe.values.map((value) => ({ metric, value, at }))),
          ),
        );
      await probe.ensureGrowth(metric, at - MINUTE, at + MINUTE, added, change);
    },
  };
}

function refused(probe: Probe): Checks {
  return {
    "collect() of an unknown metric fails with 'unknownMetric'": async () => {
      const listed = new Set<string>(await probe.metrics());
      const [value] = probe.values;
      for (const metric of NO_SUCH)
        if (!listed.has(metric))
          await ensureDeclared(probe.client.collect([{ metric, value }]), 'unknownMetric', {
            metric,
          });
    },
    'collect() takes all of a batch or nothing': async () => {
      const [metric] = await probe.metrics();
      const at = probe.now();
      const measured = (what: string) => ({ metric: what, value: probe.values[0], at });
      const unknown = NO_SUCH[0];
      for (const batch of [
        [metric, unknown],
        [unknown, metric],
        [metric, unknown, metric],
      ]) {
        await probe.ensureGrowth(metric, at - MINUTE, at + MINUTE, [], () =>
          ensureDeclared(probe.client.collect(batch.map(measured)), 'unknownMetric', {
            metric: unknown,
          }),
        );
      }
    },
  };
}
