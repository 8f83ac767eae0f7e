/** The plugin as an application runs it: its contract, its data, and what happens when things break. */
import { createTestKernel, faults } from '@plinth/sdk/testing';
import { expect, onTestFinished, test } from 'vitest';
import { Units } from '../../plugins/units/src/contract.ts';
import { units } from '../plugin.ts';

async function start(more: Parameters<typeof createTestKernel>[0] = {}) {
  const kernel = await createTestKernel({ plugins: [units], ...more });
  onTestFinished(() => kernel.stop());
  return kernel;
}

test.each([
  [1, 'km', 'm', 1_000],
  [3, 'mi', 'km', 4.828032],
  [0, 'm', 'mi', 0],
])('%d %s in %s', async (value, from, to, converted) => {
  const kernel = await start();
  const answer = await kernel.client(Units).convert({ value, from, to });
  expect(answer.value).toBeCloseTo(converted);
});

test('a unit that it does not know is a declared error', async () => {
  const kernel = await start();
  const call = kernel.client(Units).convert({ value: 1, from: 'm', to: 'parsec' });
  await expect(call).rejects.toMatchObject({ code: 'unknownUnit', data: { unit: 'parsec' } });
});

test('wrong inputs do not reach it', async () => {
  const kernel = await start();
  const call = kernel.commands.execute('com.example.units:convert', { value: 'three' });
  await expect(call).rejects.toMatchObject({ code: 'call/invalid-input' });
  expect(await kernel.client(Units).count()).toBe(0);
});

test('it goes on counting where it was', async () => {
  const kernel = await start({ storage: { 'com.example.units': { count: 41 } } });
  await kernel.client(Units).convert({ value: 1, from: 'm', to: 'm' });
  expect(await kernel.client(Units).count()).toBe(42);
  expect(await kernel.storageOf('com.example.units')).toEqual({ count: 42 });
});

test('a full disk is an error of the call, and the plugin goes on', async () => {
  const kernel = await start();
  {
    using _full = faults.diskFull(kernel);
    const call = kernel.client(Units).convert({ value: 1, from: 'm', to: 'm' });
    await expect(call).rejects.toMatchObject({ code: 'storage/failed' });
  }
  await kernel.client(Units).convert({ value: 1, from: 'm', to: 'm' });
  expect(await kernel.client(Units).count()).toBe(1);
});
