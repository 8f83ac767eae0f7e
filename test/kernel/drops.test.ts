/** Dropped events are reported once for each burst. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Drops } from '../../kernel/dist/events/drops.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** So long without a drop, and a burst is over. */
const CALM = 50;

const setUp = () => {
  const told: (readonly [burst: number, total: number])[] = [];
  const drops = new Drops((burst, total) => told.push([burst, total]));
  const add = (count: number) => {
    for (let n = 0; n < count; n++) drops.add();
  };
  return { drops, told, add };
};

it('a burst is reported once it is over', () => {
  const { told, add } = setUp();
  add(3);
  vi.advanceTimersByTime(CALM);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(CALM);
  expect(told).toEqual([[3, 3]]);
});

it('a second burst is reported with the total of both', () => {
  const { told, add } = setUp();
  add(3);
  vi.advanceTimersByTime(2 * CALM);
  add(2);
  vi.advanceTimersByTime(2 * CALM);
  expect(told).toEqual([
    [3, 3],
    [2, 5],
  ]);
});

it('a burst that does not end is reported each second', () => {
  const { told, add } = setUp();
  for (let time = 0; time < 2_500; time += CALM / 2) {
    add(1);
    vi.advanceTimersByTime(CALM / 2);
  }
  expect(told).toHaveLength(2);
});

it('close() reports what was not reported yet, and ends the timer', () => {
  const { drops, told, add } = setUp();
  add(2);
  drops.close();
  expect(told).toEqual([[2, 2]]);
  expect(vi.getTimerCount()).toBe(0);
  drops.close();
  expect(told).toHaveLength(1);
});
