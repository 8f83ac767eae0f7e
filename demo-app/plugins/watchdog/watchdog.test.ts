/** The watchdog in a worker, and the components it watches. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { HealthCheck } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, startBuilt } from '../../testing/demo-kernel.ts';
import { Watchdog } from './src/contract.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startBuilt(['watchdog'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

const silence = (milliseconds: number): KernelOptions => ({
  config: { user: { 'demo.watchdog': { silence: milliseconds } } },
});

test('it is a HealthCheck in each of its states', async () => {
  const kernel = await start();
  for (const { run } of contractChecks(HealthCheck, kernel.client(HealthCheck), {
    status: 'healthy',
  }))
    await run();
  await kernel.client(Watchdog).beat({ name: 'backup' });
  for (const { run } of contractChecks(HealthCheck, kernel.client(HealthCheck), {
    status: 'healthy',
  }))
    await run();
});

test('a component that is silent for too long is late; when all are late, the health is unhealthy', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  await before.client(Watchdog).beat({ name: 'backup' });
  await before.client(Watchdog).beat({ name: 'import' });
  await before.stop();
  const kernel = await start({ storage, ...silence(1) });
  const { check } = kernel.client(HealthCheck);
  await expect
    .poll(() => check())
    .toEqual({ status: 'unhealthy', details: { watched: 2, late: ['backup', 'import'] } });
  for (const { run } of contractChecks(HealthCheck, kernel.client(HealthCheck), {
    status: 'unhealthy',
  }))
    await run();
  expect(await kernel.client(Watchdog).forget({ name: 'import' })).toEqual({ known: true });
  expect(await check()).toEqual({ status: 'unhealthy', details: { watched: 1, late: ['backup'] } });
  await kernel.client(Watchdog).forget({ name: 'backup' });
  expect(await check()).toMatchObject({ status: 'healthy' });
});

test('one late component among others makes the health degraded', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  await before.client(Watchdog).beat({ name: 'backup' });
  await before.stop();
  // A later start: one component is late, the other is in time and goes on.
  const kernel = await start({ storage, ...silence(2_000) });
  const late = async () => {
    await kernel.client(Watchdog).beat({ name: 'import' });
    return kernel.client(HealthCheck).check();
  };
  await expect
    .poll(late)
    .toEqual({ status: 'degraded', details: { watched: 2, late: ['backup'] } });
  expect((await kernel.client(Watchdog).beat({ name: 'backup' })).since).toBeGreaterThan(2_000);
  expect(await kernel.client(HealthCheck).check()).toMatchObject({ status: 'healthy' });
});
