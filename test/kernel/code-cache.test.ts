/** Texts of bundles are read once for all guests that run. */
import { packageOf } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { CodeCache } from '../../kernel/src/lifecycle/code-cache.ts';

const setUp = () => {
  const cache = new CodeCache();
  const found = packageOf({ manifest: '' });
  let reads = 0;
  const take = () => cache.take(found, async () => `text ${++reads}`);
  return { cache, found, take, reads: () => reads };
};

it('a text is read once while any guest uses it', async () => {
  const { take, reads } = setUp();
  const [one, other] = await Promise.all([take(), take()]);
  expect([one.code, other.code, reads()]).toEqual(['text 1', 'text 1', 1]);
});

it('a text is kept until its last user has released it, once each', async () => {
  const { take } = setUp();
  const [one, other] = [await take(), await take()];
  one.release();
  one.release();
  const third = await take();
  expect(third.code).toBe('text 1');
  third.release();
  other.release();
  expect((await take()).code).toBe('text 2');
});

it('a text that is forgotten is read again, and its users keep it', async () => {
  const { cache, found, take } = setUp();
  const before = await take();
  cache.forget(found);
  const after = await take();
  before.release();
  expect([before.code, after.code, (await take()).code]).toEqual(['text 1', 'text 2', 'text 2']);
});

it('a text that cannot be read is tried again', async () => {
  const { cache, found, take } = setUp();
  await expect(cache.take(found, () => Promise.reject(new Error('no disk')))).rejects.toThrow(
    'no disk',
  );
  expect((await take()).code).toBe('text 1');
});
