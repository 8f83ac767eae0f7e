/** Waiting frames: cancelled ones leave no trace, and the others keep their numbers and order. */
import { expect, it } from 'vitest';
import { HeldFrames } from '../../sdk/src/rpc/held.ts';

it('a receiver that takes nothing lets nothing pile up, and the remaining frames leave in order', () => {
  const held = new HeldFrames();
  const add = (value: number) => {
    const start = held.slots.length;
    held.slots.push(64, value, 'slot');
    return held.keep(start);
  };
  const kept: number[] = [];
  for (let n = 0; n < 50_000; n++) {
    const number = add(n);
    if (n % 5_000 === 0) kept.push(n);
    else held.void(number);
  }
  expect(held.size).toBe(kept.length);
  expect(held.slots.length).toBeLessThan(5_000);
  const left: unknown[] = [];
  for (let start = held.first(); start !== -1; start = held.first()) {
    left.push(held.slots[start + 1]);
    expect(held.firstEnd() - start).toBe(3);
    held.shift();
  }
  expect(left).toEqual(kept);
  expect(held.size).toBe(0);
});
