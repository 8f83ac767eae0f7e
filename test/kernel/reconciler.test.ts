/** The loop over the table: one step at a time for each plugin, bounded, and at rest at the end. */
import { describe, expect, it } from 'vitest';
import { Reconciler, type ReconcilerParts } from '../../kernel/dist/lifecycle/reconciler.js';
import type { Row, World } from '../../kernel/dist/lifecycle/transitions.js';
import type { Plugin } from '../../kernel/dist/plugin/plugin.js';
import { Queue } from '../../kernel/src/concurrency.ts';

/** A plugin as far as the loop looks at it: its state, and a queue for its operations. */
const pluginIn = (state: string) =>
  ({ record: { id: state, state }, operations: new Queue(), step: undefined }) as unknown as Plugin;
const move = (plugin: Plugin, state: string) =>
  Object.assign(plugin.record, { state }) as unknown as undefined;
const row = (from: string, to: string, more: Partial<Row> = {}): Row => ({
  name: `${from} to ${to}`,
  from: from as Row['from'],
  to: to as Row['to'],
  when: () => true,
  run: (plugin) => void move(plugin, to),
  ...more,
});

function loop(
  plugins: readonly Plugin[],
  table: readonly Row[],
  more: Partial<ReconcilerParts> = {},
) {
  const reports: string[] = [];
  const deferred: (() => void)[] = [];
  const reconciler = new Reconciler({
    world: {} as World,
    table,
    plugins: () => plugins,
    touched: () => [],
    isOver: () => false,
    looked: () => {},
    report: (_, step, error) => reports.push(`${step}: ${(error as Error).message}`),
    defer: (task) => void deferred.push(task),
    ...more,
  });
  return { reconciler, reports, deferred };
}
const state = ({ record }: Plugin) => record.state as string;

describe('the reconciler', () => {
  it('takes the first row that fits, step after step, until none fits', async () => {
    const plugin = pluginIn('resolved');
    const { reconciler } = loop(
      [plugin],
      [row('resolved', 'loaded'), row('resolved', 'failed'), row('loaded', 'active')],
    );
    reconciler.changed();
    await reconciler.rest();
    expect(state(plugin)).toBe('active');
  });

  it('takes one step of a plugin at a time, after the operation that its queue runs', async () => {
    const plugin = pluginIn('resolved');
    const { reconciler } = loop([plugin], [row('resolved', 'active')]);
    const operation = Promise.withResolvers<void>();
    const done = plugin.operations.run(() => operation.promise);
    reconciler.changed();
    await expect.poll(() => plugin.step).toBe('resolved to active');
    expect(state(plugin)).toBe('resolved');
    operation.resolve();
    await done;
    await reconciler.rest();
    expect([state(plugin), plugin.step]).toEqual(['active', undefined]);
  });

  it('drops a step that is not due any more when its turn comes', async () => {
    const plugin = pluginIn('resolved');
    const { reconciler } = loop([plugin], [row('resolved', 'active')]);
    reconciler.changed();
    void plugin.operations.run(async () => move(plugin, 'unloaded'));
    await reconciler.rest();
    expect(state(plugin)).toBe('unloaded');
  });

  it('lets a row deal with its failure, and reports one that no row deals with', async () => {
    const [one, other] = [pluginIn('resolved'), pluginIn('loaded')];
    const fail = () => Promise.reject(new Error('no'));
    const { reconciler, reports } = loop(
      [one, other],
      [
        row('resolved', 'active', { run: fail, onFail: (plugin) => void move(plugin, 'failed') }),
        row('loaded', 'active', {
          run: (plugin) => {
            move(plugin, 'unloaded');
            throw new Error('not dealt with');
          },
        }),
      ],
    );
    reconciler.changed();
    await reconciler.rest();
    expect([state(one), state(other)]).toEqual(['failed', 'unloaded']);
    expect(reports).toEqual(['loaded to active: not dealt with']);
  });

  it('gives the event loop a turn when two plugins set each other off, and goes on then', async () => {
    const plugins = [pluginIn('active'), pluginIn('active')];
    let steps = 0;
    const flip = (from: string, to: string) =>
      row(from, to, {
        run: (plugin) => {
          steps += 1;
          move(plugin, to);
        },
      });
    const { reconciler, deferred } = loop(plugins, [
      flip('active', 'suspended'),
      flip('suspended', 'active'),
    ]);
    reconciler.changed();
    await expect.poll(() => reconciler.overflows).toBe(1);
    const most = steps;
    expect(most).toBeLessThanOrEqual(8 * plugins.length);
    for (const turn of deferred.splice(0)) turn();
    await expect.poll(() => reconciler.overflows).toBe(2);
    expect(steps).toBeGreaterThan(most);
  });

  it('resolves a wait when its condition holds, and takes no step once the kernel stops', async () => {
    const plugin = pluginIn('resolved');
    const { reconciler } = loop([plugin], [row('resolved', 'active')], { isOver: () => true });
    let open = false;
    const waited = reconciler.until(() => open);
    open = true;
    reconciler.changed();
    await waited;
    await reconciler.rest();
    expect(state(plugin)).toBe('resolved');
  });
});
