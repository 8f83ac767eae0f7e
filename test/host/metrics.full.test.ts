/** Metrics, explanations and blame behind walls: the same as in a worker. */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import type { Setting } from '../support/kernels.ts';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const ISOLATIONS = (
  (await has('wall')) ? ['process', 'sandbox'] : []
) as readonly Setting['isolation'][];

const measured = pluginOf(
  'test.measured',
  `ctx.metrics.counter('starts').add();
   ctx.commands.handle('store', (value) => ctx.storage.set('kept', value));
   ctx.commands.handle('fail', () => { throw new TypeError('no'); });
   ctx.commands.handle('spin', () => { const end = performance.now() + 80; while (performance.now() < end); });
   ${CRASH}`,
  { permissions: { storage: { read: true, write: true } } },
);

describe.each(ISOLATIONS)(`${runtime}: telemetry of a plugin in isolation '%s'`, (isolation) => {
  it('reports calls, use and phases, and blames crashes and long tasks', async () => {
    const kernel = await startKernel({ isolation, createHost }, [measured], {
      supervision: { backoff: 60_000 },
      metrics: { bytes: true },
    });
    await kernel.commands.execute('test.measured:store', 'x'.repeat(1_000));
    await rejection(kernel.commands.execute('test.measured:fail'));
    const usage = await kernel.plugins.usage('test.measured');
    expect(usage).toMatchObject({ isolation, calls: { answered: 2, failed: 1 } });
    expect(usage.messages?.bytesSent).toBeGreaterThan(1_000);
    expect(usage.storage?.used).toBeGreaterThan(1_000);
    expect(usage.activation?.spawn).toBeGreaterThan(0);
    const long = nextEvent(kernel, 'plugin:long-task');
    await kernel.commands.execute('test.measured:spin');
    expect(await long).toMatchObject({ name: 'test.measured:spin' });
    const crashed = nextEvent(kernel, 'plugin:crashed');
    kernel.commands.execute('test.measured:crash').catch(() => {});
    expect(await crashed).toMatchObject({ command: 'test.measured:crash' });
    const [told] = (await kernel.report({ plugin: 'test.measured' })).plugins;
    expect(told).toMatchObject({ failures: 2, availability: { crashes: 1 } });
    expect(kernel.plugins.explain('test.measured').failures?.at(-1)?.stack).toContain('gone');
  });

  it('takes the measurements of the plugin, and says where there is no profiler', async () => {
    const kernel = await startKernel({ isolation, createHost }, [measured]);
    expect((await rejection(kernel.plugins.profile('test.measured', { seconds: 0.1 }))).code).toBe(
      'profile/unavailable',
    );
    await kernel.plugins.deactivate('test.measured');
    expect(kernel.metrics.series()).toMatchObject([{ name: 'starts', value: 1 }]);
  });
});
