/** The poll in a worker, as HTTP routes. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { HttpRoutes } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, startBuilt } from '../../testing/demo-kernel.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startBuilt(['poll'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

test('it offers HttpRoutes', async () => {
  const kernel = await start();
  for (const { run } of contractChecks(HttpRoutes, kernel.client(HttpRoutes))) await run();
});

test('votes are counted, even concurrent ones, and survive a restart', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  const vote = async (body: unknown) =>
    (await before.client(HttpRoutes).handle({ method: 'POST', path: '/votes', body })).status;
  expect(await Promise.all(['tea', 'tea', 'coffee', 'beer', { tea: 1 }].map(vote))).toEqual([
    201, 201, 201, 400, 400,
  ]);
  await before.stop();
  const { body } = await (await start({ storage }))
    .client(HttpRoutes)
    .handle({ method: 'GET', path: '/results' });
  expect(JSON.parse(String(body))).toEqual([
    { choice: 'tea', votes: 2 },
    { choice: 'coffee', votes: 1 },
  ]);
});

test('a wrong method gets the allowed methods', async () => {
  const { handle } = (await start()).client(HttpRoutes);
  expect(await handle({ method: 'DELETE', path: '/votes' })).toMatchObject({
    status: 405,
    headers: { allow: 'POST' },
  });
});
