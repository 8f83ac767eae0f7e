/** The to-do list in a worker, as commands. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import type { Client } from '@plinth/sdk';
import { CliCommands } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, startBuilt } from '../../testing/demo-kernel.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startBuilt(['todo'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

const text = async (kernel: Kernel, ...[input]: Parameters<Client<typeof CliCommands>['run']>) =>
  (await kernel.client(CliCommands).run(input)).stdout;

test('it offers CliCommands', async () => {
  const kernel = await start();
  const run = [
    { name: 'add', args: ['buy', 'milk'], stdout: '1' },
    { name: 'add', args: ['call'], options: { priority: 2 }, stdout: '2' },
    { name: 'add', args: [' '], exitCode: 2 },
    { name: 'add', args: ['x'], options: { colour: 'red' }, exitCode: 2 },
    { name: 'done', options: { id: 1 } },
    { name: 'done', options: { id: 99 }, exitCode: 1 },
    { name: 'list', stdout: /^2 - call$/m },
    { name: 'list', options: { all: true }, stdout: '1 x buy milk' },
  ];
  const checks = contractChecks(CliCommands, kernel.client(CliCommands), { run });
  // The other checks need what the samples create, so this check runs first.
  const story = checks.find(({ name }) => name === 'run() does what the samples expect');
  await story?.run();
  for (const check of checks) if (check !== story) await check.run();
});

test('items are listed by priority, and none of those added concurrently is lost', async () => {
  const kernel = await start();
  const { run } = kernel.client(CliCommands);
  await Promise.all(
    [1, 3, 2].map((priority) =>
      run({ name: 'add', args: [`p${priority}`], options: { priority } }),
    ),
  );
  expect((await text(kernel, { name: 'list' })).match(/p\d/g)).toEqual(['p3', 'p2', 'p1']);
});

test('the list survives a restart', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  await before.client(CliCommands).run({ name: 'add', args: ['milk'] });
  await before.stop();
  expect(await text(await start({ storage }), { name: 'list' })).toBe('1 - milk\n');
});
