import { expect, test } from 'vitest';
import { timesOf } from './statistics.ts';

test.each([
  ['no call', [], undefined],
  ['one call', [3], { median: 3, p99: 3 }],
  ['an even number of calls', [4, 1, 3, 2], { median: 2.5, p99: 4 }],
  ['100 calls', Array.from({ length: 100 }, (_, index) => 100 - index), { median: 50.5, p99: 99 }],
  ['200 calls', Array.from({ length: 200 }, (_, index) => index + 1), { median: 100.5, p99: 198 }],
])('timesOf() of %s', (_name, samples, times) => {
  expect(timesOf(samples)).toEqual(times);
});
