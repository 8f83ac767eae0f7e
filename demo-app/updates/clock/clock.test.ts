/** The update of the clock: consent to its storage, the count that it keeps, and the way back. */
import { createKernel, type Kernel, packageOf, packageSource } from '@plinth/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHost } from '#host';
import beforeCode from '../../dist/plugins/clock/plugin.js?raw';
import code from '../../dist/updates/clock/plugin.js?raw';
import before from '../../plugins/clock/plugin.json?raw';
import { Clock } from '../../plugins/clock/src/contract.ts';
import { nextEvent } from '../../testing/demo-kernel.ts';
import manifest from './plugin.json?raw';

let kernel: Kernel;
const update = () => kernel.plugins.update('demo.clock', packageOf({ manifest, code }));
const kept = (least: number) =>
  expect
    .poll(() => kernel.storage.of('demo.clock').read('ticks'))
    .toSatisfy((ticks) => typeof ticks === 'number' && ticks >= least);

beforeEach(async () => {
  kernel = await createKernel({
    host: createHost(),
    sources: [packageSource([{ manifest: before, code: beforeCode }])],
    config: { user: { 'demo.clock': { interval: 10 } } },
    telemetry: { log: false },
  });
  await kernel.start();
});

afterEach(() => kernel.stop());

test('without consent to its storage, the version before goes on', async () => {
  await expect(update()).rejects.toMatchObject({
    code: 'permission/consent-required',
    details: { permissions: { 'storage.read': ['ticks'], 'storage.write': ['ticks'] } },
  });
  expect(kernel.plugins.get('demo.clock')?.version).toBe('1.0.0');
  await nextEvent(kernel, 'demo.clock:tick');
});

test('with consent it keeps its count over a restart, and goes back when it is told to', async () => {
  kernel.permissions.onRequest(({ reason }) => reason === 'update');
  await update();
  await kept(3);
  await kernel.plugins.reload('demo.clock');
  expect((await kernel.client(Clock).now()).ticks).toBeGreaterThanOrEqual(3);
  await kernel.plugins.rollback('demo.clock');
  expect(kernel.plugins.get('demo.clock')).toMatchObject({ version: '1.0.0', state: 'active' });
});
