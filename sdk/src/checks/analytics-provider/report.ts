/** Checks of `report()`. */
import { type Checks, ensure, ensureSteady, ensureUnique, NO_SUCH } from '../check.js';
import { ensureSound } from './figures.js';
import { MINUTE, type Probe } from './probe.js';

/** Checks of reports without groups. */
export function report(probe: Probe): Checks {
  return { ...bounds(probe), ...rows(probe) };
}

function bounds(probe: Probe): Checks {
  return {
    'report() keeps to its bounds': async () => {
      const [metric] = await probe.metrics();
      const at = probe.now();
      const [before, within, after] = probe.values;
      const spread = () =>
        probe.collect([
          { metric, value: before, at: at - 2 * MINUTE },
          { metric, value: within, at },
          { metric, value: after, at: at + 2 * MINUTE },
        ]);
      await probe.ensureGrowth(metric, at - MINUTE, at + MINUTE, [within], spread);
      await probe.ensureGrowth(metric, at - 3 * MINUTE, at + MINUTE, [before, within], spread);
      await probe.ensureGrowth(metric, at - MINUTE, at + 3 * MINUTE, [within, after], spread);
    },
    'report() has nothing to say of times without measurements': async () => {
      const [metric] = await probe.metrics();
      await probe.collect([{ metric, value: probe.values[0], at: probe.now() }]);
      for (const [from, to] of [
        [1, 2],
        [probe.now() + MINUTE, probe.now() - MINUTE],
      ] as const) {
        const counted = (await probe.client.report({ from, to })).filter(
          ({ count }) => count !== 0,
        );
        ensure(counted.length === 0, `there are figures between ${from} and ${to}`, {
          metric: counted[0]?.metric,
        });
      }
    },
  };
}

function rows(probe: Probe): Checks {
  return {
    'report() answers one row of sound figures for each metric': async () => {
      const ids = await probe.metrics();
      const at = probe.now();
      for (const metric of ids)
        await probe.collect(probe.values.map((value) => ({ metric, value, at })));
      const rows = await probe.client.report({ from: at - MINUTE, to: at + MINUTE });
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
      const ids = await probe.metrics();
      const at = probe.now();
      for (const metric of ids) await probe.collect([{ metric, value: probe.values[0], at }]);
      const window = { from: at - MINUTE, to: at + MINUTE };
      for (const metric of ids) {
        const rows = await probe.client.report({ metrics: [metric], ...window });
        ensure(
          rows.length === 1 && rows[0]?.metric === metric,
          `the report of '${metric}' should be about it alone`,
          { metrics: rows.map((row) => row.metric) },
        );
      }
      for (const metrics of [[], [NO_SUCH[0]]]) {
        const counted = (await probe.client.report({ metrics, ...window })).filter(
          ({ count }) => count !== 0,
        );
        ensure(
          counted.length === 0,
          `the report of ${metrics.length === 0 ? 'no metric' : 'an unknown metric'} has figures`,
        );
      }
    },
    'report() changes nothing': async () => {
      const [metric] = await probe.metrics();
      await probe.collect([{ metric, value: probe.values[0], at: probe.now() }]);
      const window = { from: probe.now() - MINUTE, to: probe.now() + MINUTE };
      await ensureSteady(() => probe.client.report(window), 'report()');
    },
  };
}
