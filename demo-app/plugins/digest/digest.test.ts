import { afterEach, expect, test } from 'vitest';
import { startDemo } from '../../testing/demo-kernel.ts';
import { Notes } from '../notes/src/contract.ts';
import { Digest } from './src/contract.ts';

let stop: (() => Promise<void>) | undefined;
afterEach(() => stop?.());

async function start(...names: string[]) {
  const kernel = await startDemo(['notes', 'search', 'digest', ...names]);
  stop = () => kernel.stop();
  await kernel.client(Notes).add({ text: 'buy **milk**' });
  await kernel.client(Notes).add({ text: 'call home' });
  return kernel;
}

test('a digest has the notes that match, as HTML, and reports its progress', async () => {
  const kernel = await start('markdown');
  const seen: unknown[] = [];
  const made = await kernel
    .client(Digest)
    .make({ text: 'milk' }, { onProgress: (share) => seen.push(share) });
  expect(made).toEqual({ notes: 1, html: expect.stringContaining('<strong>milk</strong>') });
  expect(seen).toEqual([1]);
});

test('without Markdown a digest has the text of the notes', async () => {
  const kernel = await start();
  expect(await kernel.client(Digest).make({ text: 'milk' })).toEqual({
    notes: 1,
    html: 'buy **milk**',
  });
});

test('the stream ends when its reader stops', async () => {
  const kernel = await start();
  const seen: number[] = [];
  for await (const { notes } of await kernel.client(Digest).follow({ every: 50 })) {
    seen.push(notes);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual([2, 2]);
});
