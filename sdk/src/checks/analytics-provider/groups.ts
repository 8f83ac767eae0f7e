/** Checks of the option `groupBy`. */
import { type Checks, ensure, ensureUnique, keyOf } from '../check.js';
import { add, ensureSame, ensureSound, pick } from './figures.js';
import { MINUTE, type Probe } from './probe.js';

/** Checks of reports by a tag. */
export function groups(probe: Probe): Checks {
  return {
    'report() groups by a tag': async () => {
      const [metric] = await probe.metrics();
      const at = probe.now();
      const query = { metrics: [metric], from: at - MINUTE, to: at + MINUTE, groupBy: probe.tag };
      const before = await probe.client.report(query);
      const [one, two, none] = probe.values;
      await probe.collect([
        { metric, value: one, at, tags: { [probe.tag]: 'one' } },
        { metric, value: two, at, tags: { [probe.tag]: 'two', other: 'one' } },
        { metric, value: one, at, tags: { [probe.tag]: 'two' } },
        { metric, value: none, at, tags: { other: 'one' } },
        // A tag's text must not be taken for a property name.
        { metric, value: none, at, tags: { [probe.tag]: 'constructor' } },
      ]);
      const after = await probe.client.report(query);
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
      const { count } = await probe.figuresOf(metric, query.from, query.to);
      const grouped = after.reduce(
        (sum, row) => sum + (row.group === undefined ? 0 : row.count),
        0,
      );
      ensure(grouped < count, 'a measurement without the tag is counted in a group');
    },
  };
}
