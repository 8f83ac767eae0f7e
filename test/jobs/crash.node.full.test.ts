import { expect, it } from 'vitest';
import { crashRepeatedly } from './crash.ts';

it('a queue loses no acknowledged task in 50 kills', { timeout: 300_000 }, async () => {
  const { pushed, lost, repeated, dead } = await crashRepeatedly(50);
  expect([lost, dead]).toEqual([[], 0]);
  expect(pushed).toBeGreaterThan(200);
  // Otherwise no kill has hit a task between its claim and its end.
  expect(repeated).toBeGreaterThan(0);
});
