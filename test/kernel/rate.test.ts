/** A bucket of uses that fills with time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateBucket } from '../../kernel/src/permissions/rate.ts';

describe('a rate bucket', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const uses = (bucket: RateBucket, most = 100): number => {
    let count = 0;
    while (count < most && bucket.take()) count += 1;
    return count;
  };

  it('allows as many uses at once as it holds, and no more', () => {
    expect(uses(new RateBucket({ count: 3, per: 1_000 }))).toBe(3);
  });

  it('fills with time, in proportion, and never above what it holds', () => {
    const bucket = new RateBucket({ count: 4, per: 1_000 });
    expect(uses(bucket)).toBe(4);
    vi.advanceTimersByTime(250);
    expect(uses(bucket)).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(uses(bucket)).toBe(4);
  });

  it('counts parts of a use, so that nothing is lost between two looks', () => {
    const bucket = new RateBucket({ count: 1, per: 1_000 });
    expect(uses(bucket)).toBe(1);
    for (let n = 0; n < 9; n++) {
      vi.advanceTimersByTime(100);
      expect(bucket.take()).toBe(false);
    }
    vi.advanceTimersByTime(101);
    expect(bucket.take()).toBe(true);
  });
});
