/** The visits in a worker, as analytics. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { AnalyticsProvider } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, startBuilt } from '../../testing/demo-kernel.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startBuilt(['visits'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

test('it is an AnalyticsProvider', async () => {
  const kernel = await start();
  for (const { run } of contractChecks(AnalyticsProvider, kernel.client(AnalyticsProvider)))
    await run();
});

test('figures survive a restart, and it still is an AnalyticsProvider', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  const { collect } = before.client(AnalyticsProvider);
  await Promise.all(
    [200, 100, 300].map((value, index) =>
      collect([
        { metric: 'duration', value, at: 1_000, tags: { page: `/${index % 2}` } },
        { metric: 'visits', value: 1, at: 1_000 },
      ]),
    ),
  );
  await before.stop();
  const kernel = await start({ storage });
  const { report } = kernel.client(AnalyticsProvider);
  const window = { from: 1_000, to: 1_000 };
  expect(await report(window)).toEqual([
    { metric: 'duration', count: 3, sum: 600, min: 100, max: 300 },
    { metric: 'visits', count: 3, sum: 3, min: 1, max: 1 },
  ]);
  expect(await report({ ...window, metrics: ['duration'], groupBy: 'page' })).toEqual([
    { metric: 'duration', group: '/0', count: 2, sum: 500, min: 200, max: 300 },
    { metric: 'duration', group: '/1', count: 1, sum: 100, min: 100, max: 100 },
  ]);
  for (const { run } of contractChecks(AnalyticsProvider, kernel.client(AnalyticsProvider)))
    await run();
});
