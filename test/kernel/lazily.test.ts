/** Something that is made when it is first asked for. */
import { expect, it } from 'vitest';
import { lazily } from '../../kernel/src/lazily.ts';

it('lazily() makes a thing once, for all callers that ask at the same time', async () => {
  let made = 0;
  const lazy = lazily(async () => ({ number: ++made }));
  expect([lazy.now, lazy.begun]).toEqual([undefined, undefined]);
  const [one, other] = await Promise.all([lazy.get(), lazy.get()]);
  expect(one).toBe(other);
  expect(lazy.now).toBe(one);
  expect(made).toBe(1);
});

it('lazily() tries again after a failure', async () => {
  let tries = 0;
  const lazy = lazily(async () => {
    tries += 1;
    if (tries === 1) throw new Error('offline');
    return tries;
  });
  await expect(lazy.get()).rejects.toThrow('offline');
  expect(lazy.now).toBeUndefined();
  expect(await lazy.get()).toBe(2);
});
