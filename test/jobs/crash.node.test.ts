import { expect, it } from 'vitest';
import { crashRepeatedly } from './crash.ts';

it('a queue loses no acknowledged task in 4 kills', async () => {
  const { pushed, lost, dead } = await crashRepeatedly(4);
  expect([lost, dead]).toEqual([[], 0]);
  expect(pushed).toBeGreaterThan(4);
});
