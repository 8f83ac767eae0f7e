/** What one side has sent, and what the other has taken of it. */
import { expect, it } from 'vitest';
import { Credit } from '../../sdk/src/rpc/credit.ts';
import { Kind } from '../../sdk/src/rpc/frames.ts';
import { WINDOW } from '../../sdk/src/rpc/send-limits.ts';

const spent = (count: number) => {
  const credit = new Credit();
  for (let n = 1; n <= count; n++) credit.spend(Kind.request, n);
  return credit;
};

it('credit is used up by as many frames as the window holds', () => {
  expect([spent(WINDOW - 1).used, spent(WINDOW).used]).toEqual([false, true]);
});

it('credit comes back with what the other side has taken', () => {
  const credit = spent(WINDOW);
  expect(credit.acknowledge(1)).toBe(true);
  expect(credit.used).toBe(false);
});

it('a count that is impossible is refused', () => {
  const credit = spent(3);
  expect(credit.acknowledge(4)).toBe(false);
  expect([credit.acknowledge(2), credit.acknowledge(1)]).toEqual([true, false]);
});

it('the last request is remembered, and other frames are only counted', () => {
  const credit = spent(3);
  credit.spend(Kind.note, 9);
  expect([credit.sent, credit.lastRequest]).toEqual([4, 3]);
});
