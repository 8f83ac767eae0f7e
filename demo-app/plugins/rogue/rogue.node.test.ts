/**
 * Everything the rogue does, from its bundle in a real worker thread, beside a plugin that must not
 * be affected.
 */
import { fileURLToPath } from 'node:url';
import { createKernel, directorySource, type Kernel } from '@plinth/host-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nextEvent } from '../../testing/demo-kernel.ts';
import { Notes } from '../notes/src/contract.ts';
import { Rogue } from './src/contract.ts';

const bundles = fileURLToPath(new URL('../../dist/plugins', import.meta.url));
let kernel: Kernel;

beforeEach(async () => {
  kernel = await createKernel({ sources: [directorySource(bundles)], limits: { deactivate: 200 } });
  await kernel.start();
  await kernel.client(Notes).add({ text: 'still here' });
});

afterEach(async () => {
  expect(await kernel.client(Notes).list()).toMatchObject([{ text: 'still here' }]);
  expect(kernel.plugins.get('demo.notes')?.state).toBe('active');
  expect(globalThis).not.toHaveProperty('pwned');
  expect({}).not.toHaveProperty('polluted');
  await kernel.stop();
});

const crashed = () =>
  nextEvent<{ id: string; code: string; message: string }>(kernel, 'plugin:crashed');
const stateOf = () => kernel.plugins.get('demo.rogue')?.state;

test('throw() fails its own call only', async () => {
  await expect(kernel.client(Rogue).throw({ message: 'boo' })).rejects.toThrow('boo');
  expect(stateOf()).toBe('active');
});

test.each(['throwLater', 'reject'] as const)(
  '%s() ends the plugin, and it can be started again',
  async (how) => {
    const crash = crashed();
    await kernel.client(Rogue)[how]();
    expect(await crash).toMatchObject({
      id: 'demo.rogue',
      message: expect.stringMatching(/rogue (threw|rejected)/),
    });
    expect(kernel.plugins.explain('demo.rogue')).toMatchObject({
      running: false,
      because: expect.stringMatching(/rogue (threw|rejected)/),
    });
    await kernel.plugins.activate('demo.rogue');
    expect(stateOf()).toBe('active');
  },
);

test('exit() settles the call that was in flight', async () => {
  const crash = crashed();
  await expect(kernel.client(Rogue).exit()).rejects.toMatchObject({
    plugin: 'demo.rogue',
    retryable: true,
  });
  expect(await crash).toMatchObject({ id: 'demo.rogue' });
});

test('spin() is ended by a reload, and its call settles', async () => {
  const spinning = kernel.client(Rogue).spin({});
  const ended = expect(spinning).rejects.toMatchObject({ plugin: 'demo.rogue' });
  await kernel.plugins.reload('demo.rogue');
  await ended;
  expect(stateOf()).toBe('active');
});

test('flood() loses only its own events, while other plugins answer', async () => {
  const flooding = kernel.client(Rogue).flood({ events: 10_000, logs: 10_000 });
  await expect(kernel.client(Notes).list()).resolves.toHaveLength(1);
  const { accepted, refused } = await flooding;
  expect(accepted + refused).toBe(10_000);
  expect(accepted).toBeGreaterThan(0);
});

test.each(['comlink', 'control'] as const)(
  'forge() of %s messages is refused and counted',
  async (kind) => {
    const { sent } = await kernel.client(Rogue).forge({ kind });
    expect(sent).toBe(6);
    expect(await kernel.plugins.health('demo.rogue')).toMatchObject({ refused: sent });
    expect(stateOf()).toBe('active');
  },
);

test('forge() of noise ends the plugin', async () => {
  const crash = crashed();
  await kernel
    .client(Rogue)
    .forge({ kind: 'noise' })
    .catch(() => {});
  expect(await crash).toMatchObject({ id: 'demo.rogue', code: 'wire/refused' });
});

test('leak() beyond its memory ends the plugin, not the process', async () => {
  const leak = (megabytes: number, most?: number) =>
    kernel.client(Rogue).leak({ megabytes, ...(most !== undefined && { most }) });
  expect(await leak(1)).toEqual({ held: 1 });
  for (let times = 0; times < 2; times++) expect(await leak(3, 3)).toEqual({ held: 3 });
  await expect(kernel.client(Rogue).leak({ megabytes: 2_048 })).rejects.toMatchObject({
    plugin: 'demo.rogue',
  });
  expect(stateOf()).toBe('failed');
});

test('ask() is denied everything', async () => {
  const attempts = await kernel.client(Rogue).ask();
  expect(attempts).toHaveLength(5);
  for (const attempt of attempts)
    expect(attempt).toMatchObject({ allowed: false, code: 'permission/denied' });
});

test('starts in the sandbox, where what it would change is frozen', async () => {
  const walled = await createKernel({
    sources: [directorySource(bundles)],
    isolation: 'sandbox',
  });
  try {
    await walled.start();
    await walled.plugins.activate('demo.rogue');
    await expect(walled.client(Rogue).throw({ message: 'boo' })).rejects.toThrow('boo');
    expect(walled.plugins.get('demo.rogue')?.state).toBe('active');
  } finally {
    await walled.stop();
  }
});
