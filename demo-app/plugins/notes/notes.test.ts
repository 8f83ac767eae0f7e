/** The notes plugin in a real kernel. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, nextEvent, startDemo } from '../../testing/demo-kernel.ts';
import { Notes } from './src/contract.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startDemo(['notes'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

test('add() returns the id of the new note', async () => {
  const notes = (await start()).client(Notes);
  const { id } = await notes.add({ text: 'milk' });
  expect(await notes.get({ id })).toMatchObject({ id, text: 'milk' });
  expect(await notes.get({ id: 'n99' })).toBeNull();
});

test('list() keeps the order in which notes were added, even beyond nine', async () => {
  const notes = (await start()).client(Notes);
  for (let number = 1; number <= 11; number++) await notes.add({ text: `note ${number}` });
  expect((await notes.list()).map(({ id }) => id)).toEqual(
    Array.from({ length: 11 }, (_, index) => `n${index + 1}`),
  );
});

test('remove() returns whether there was a note to remove', async () => {
  const notes = (await start()).client(Notes);
  const { id } = await notes.add({ text: 'milk' });
  expect(await notes.remove({ id })).toEqual({ removed: true });
  expect(await notes.remove({ id })).toEqual({ removed: false });
  expect(await notes.list()).toEqual([]);
});

test('add() fails with the declared error when there are too many notes, also for concurrent calls', async () => {
  const notes = (await start({ config: { user: { 'demo.notes': { max: 2 } } } })).client(Notes);
  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => notes.add({ text })));
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  expect(refused).toHaveLength(2);
  for (const error of refused) expect(error).toMatchObject({ code: 'full', data: { max: 2 } });
  expect(await notes.list()).toHaveLength(2);
});

test('add() refuses an empty note and names the invalid input', async () => {
  const kernel = await start();
  await expect(kernel.commands.execute('demo.notes:add', { text: '' })).rejects.toMatchObject({
    code: 'call/invalid-input',
    message: expect.stringContaining('text: '),
  });
});

test('add() and remove() emit their events', async () => {
  const kernel = await start();
  const added = nextEvent(kernel, 'demo.notes:added');
  const removed = nextEvent(kernel, 'demo.notes:removed');
  const { id } = await kernel.client(Notes).add({ text: 'milk' });
  await kernel.client(Notes).remove({ id });
  expect(await added).toEqual({ id, text: 'milk' });
  expect(await removed).toEqual({ id });
});

test('render without other handlers leaves the text as it is', async () => {
  const kernel = await start();
  expect(await kernel.hooks.waterfall(Notes.render, '**milk**')).toBe('**milk**');
});

test('notes survive a restart, and no id is given twice', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  const { id } = await before.client(Notes).add({ text: 'milk' });
  const gone = await before.client(Notes).add({ text: 'gone' });
  await before.client(Notes).remove(gone);
  await before.stop();
  const notes = (await start({ storage })).client(Notes);
  expect(await notes.list()).toMatchObject([{ id, text: 'milk' }]);
  expect((await notes.add({ text: 'bread' })).id).not.toBe(gone.id);
});
