/** Foreign results that may be promises. */
import { asPromise } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

const withThen = (then: unknown) => Object.fromEntries([['then', then]]) as unknown;

it('reads `then` of a foreign thenable once, and its first answer counts', async () => {
  let reads = 0;
  const foreign = Object.defineProperty({}, 'then', {
    get() {
      reads += 1;
      return (resolve: (value: string) => void, reject: (error: Error) => void) => {
        resolve('first');
        reject(new Error('second'));
      };
    },
  });
  expect(await asPromise(foreign)).toBe('first');
  expect(reads).toBe(1);
});

it('answers a promise as it is, a failing thenable as a rejection, and nothing for the rest', async () => {
  const promise = Promise.resolve(1);
  expect(asPromise(promise)).toBe(promise);
  const failing = () => {
    throw new Error('no');
  };
  await expect(asPromise(withThen(failing))).rejects.toThrow('no');
  for (const value of [undefined, null, 5, {}, [], withThen(1)])
    expect(asPromise(value)).toBe(undefined);
});
