/** The search plugin beside the notes it indexes. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { afterEach, expect, test, vi } from 'vitest';
import { lastingStorage, startDemo } from '../../testing/demo-kernel.ts';
import { Notes } from '../notes/src/contract.ts';
import { Search } from './src/contract.ts';
import { countWords, WordIndex } from './src/word-index.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startDemo(['search', 'notes'], options);
  kernels.push(kernel);
  return kernel;
};
const found = async (kernel: Kernel, text: string) =>
  (await kernel.client(Search).query({ text })).map((hit) => hit.text);

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

test('a note is found after it is added, and no longer after it is removed', async () => {
  const kernel = await start();
  const { id } = await kernel.client(Notes).add({ text: 'Buy milk' });
  await vi.waitFor(async () => expect(await found(kernel, 'milk')).toEqual(['Buy milk']), 10_000);
  await kernel.client(Notes).remove({ id });
  await vi.waitFor(async () => expect(await found(kernel, 'milk')).toEqual([]), 10_000);
});

test('query() requires every word and limits the results', async () => {
  const kernel = await start();
  for (const text of ['red apple', 'red pear', 'green apple'])
    await kernel.client(Notes).add({ text });
  await vi.waitFor(async () => expect((await kernel.client(Search).stats()).notes).toBe(3), 10_000);
  expect(await found(kernel, 'apple red')).toEqual(['red apple']);
  expect(await kernel.client(Search).query({ text: 'apple', limit: 1 })).toHaveLength(1);
});

test('a restart loads the index from storage and adds new notes', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  await before.client(Notes).add({ text: 'constructor and toString' });
  await vi.waitFor(async () => expect((await before.client(Search).stats()).notes).toBe(1), 10_000);
  await before.plugins.deactivate('demo.search');
  await before.client(Notes).add({ text: 'missed meanwhile' });
  await before.stop();
  const kernel = await start({ storage });
  expect(await kernel.client(Search).stats()).toMatchObject({ notes: 2, reused: 1 });
  expect(await found(kernel, 'meanwhile')).toEqual(['missed meanwhile']);
  expect(await found(kernel, 'constructor')).toEqual(['constructor and toString']);
});

test('reindex() rebuilds the same index', async () => {
  const kernel = await start();
  await kernel.client(Notes).add({ text: 'milk' });
  expect(await kernel.client(Search).reindex()).toEqual({ notes: 1 });
  expect(await found(kernel, 'milk')).toEqual(['milk']);
});

test('search pauses with the notes it needs, and resumes with them', async () => {
  const kernel = await start();
  await kernel.plugins.deactivate('demo.notes');
  expect(kernel.plugins.get('demo.search')).toMatchObject({
    state: 'suspended',
    reason: 'dependency',
  });
  await kernel.plugins.activate('demo.notes');
  expect(kernel.plugins.get('demo.search')?.state).toBe('active');
});

test.each([
  ['case', 'MILK', 'milk'],
  ['accents', 'Crème brûlée', 'creme'],
  ['the start of a word', 'breakfast', 'break'],
  ['words that are not Latin', 'Привет мир', 'мир'],
])('an index finds by %s', (_, text, query) => {
  const index = new WordIndex();
  index.add('n1', countWords(text));
  expect(index.query(query).map(({ id }) => id)).toEqual(['n1']);
});

test('an index ranks a whole word above its prefix, and forgets all of a removed text', () => {
  const index = new WordIndex();
  index.add('n1', countWords('breakfast'));
  index.add('n2', countWords('break'));
  expect(index.query('break').map(({ id }) => id)).toEqual(['n2', 'n1']);
  index.remove('n1');
  index.remove('n2');
  expect([index.texts, index.words, index.query('break')]).toEqual([0, 0, []]);
});
