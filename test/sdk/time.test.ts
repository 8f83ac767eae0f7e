/** Times of options, and timers for them. */
import { alarm, isTime } from '@plinth/sdk/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

it.each([
  [1, true],
  [0.5, true],
  [Number.POSITIVE_INFINITY, true],
  [0, false],
  [-1, false],
  [Number.NaN, false],
  ['5s', false],
  [undefined, false],
])('isTime(%s) is %s', (value, expected) => {
  expect(isTime(value)).toBe(expected);
});

describe('alarm()', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const setUp = (ms: number) => {
    const fired: number[] = [];
    const { clear } = alarm(() => fired.push(performance.now()), ms);
    return { fired, clear };
  };

  it('fires once after its time', () => {
    const { fired } = setUp(100);
    vi.advanceTimersByTime(99);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(fired).toHaveLength(1);
  });

  it('waits longer than a timer of the platform can', () => {
    const month = 31 * 24 * 3_600_000;
    const { fired } = setUp(month);
    vi.advanceTimersByTime(month - 1_000);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(fired).toHaveLength(1);
  });

  it('never fires when it is cleared, or its time is Infinity', () => {
    const { fired, clear } = setUp(100);
    clear();
    setUp(Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(1_000);
    expect(fired).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
