/** Many deadlines on one timer. */
import { Deadlines, type Timed } from '@plinth/sdk/rpc';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const setUp = () => {
  const deadlines = new Deadlines();
  const seq: string[] = [];
  const entry = (name: string): Timed => ({
    bucket: undefined,
    slot: 0,
    expire: () => seq.push(name),
    stop: () => seq.push(`${name} stopped`),
  });
  const add = (name: string, ms: number) => {
    const one = entry(name);
    deadlines.add(one, ms);
    return one;
  };
  return { deadlines, seq, add };
};

it('entries expire in the order of their times, on one timer', () => {
  const { seq, add } = setUp();
  add('late', 300);
  add('soon', 100);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(99);
  expect(seq).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(seq).toEqual(['soon']);
  vi.advanceTimersByTime(200);
  expect(seq).toEqual(['soon', 'late']);
});

it('an entry that is removed does not expire, and the others of its moment do', () => {
  const { deadlines, seq, add } = setUp();
  const first = add('first', 100);
  add('second', 100);
  deadlines.remove(first);
  deadlines.remove(first);
  vi.advanceTimersByTime(200);
  expect(seq).toEqual(['second']);
});

it('an entry may be added while another one expires', () => {
  const { deadlines, seq, add } = setUp();
  deadlines.add({ bucket: undefined, slot: 0, expire: () => void add('next', 100) }, 100);
  vi.advanceTimersByTime(150);
  expect(seq).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(seq).toEqual(['next']);
});

it('no timer is left when no entry is', () => {
  const { deadlines, add } = setUp();
  deadlines.remove(add('one', 100));
  vi.advanceTimersByTime(200);
  expect(vi.getTimerCount()).toBe(0);
});

it('close() tells the entries that are left, which then never expire', () => {
  const { deadlines, seq, add } = setUp();
  add('one', 100);
  deadlines.close();
  vi.advanceTimersByTime(200);
  expect(seq).toEqual(['one stopped']);
});
