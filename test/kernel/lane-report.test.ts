/** What a guest reports of calls over a lane. */
import { expect, it } from 'vitest';
import { reportOf } from '../../kernel/src/guests/lane-report.ts';

it('a report in order is read', () => {
  expect(reportOf('test.a', [3, 1, 12.5, 8])).toEqual({
    calls: 3,
    failures: 1,
    total: 12.5,
    slowest: 8,
  });
});

it.each([
  ['more failures than calls', [1, 2, 0, 0]],
  ['a count that is no whole number', [1.5, 0, 0, 0]],
  ['more calls than are possible', [1e9, 0, 0, 0]],
  ['a time below 0', [1, 0, -1, 0]],
  ['a time without end', [1, 0, Number.POSITIVE_INFINITY, 0]],
  ['texts', ['1', '0', '0', '0']],
  ['too few', [1, 0]],
])('a report with %s is refused', (_, report) => {
  expect(() => reportOf('test.a', report)).toThrow(
    expect.objectContaining({ code: 'wire/refused', plugin: 'test.a' }),
  );
});
