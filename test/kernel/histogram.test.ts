/** Distributions of values, and the series that hold them. */
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../kernel/dist/extensions/metrics/histogram.js';
import { Recorder } from '../../kernel/dist/extensions/metrics/recorder.js';
import { codeOf, Series } from '../../kernel/dist/extensions/metrics/series.js';
import { SeriesTable } from '../../kernel/dist/extensions/metrics/series-table.js';

const of = (values: readonly number[]) => {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

describe('Histogram', () => {
  it('tells quantiles within 4.5 % of the true ones, over seven orders of magnitude', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => 0.01 * 1.002 ** index);
    const histogram = of(values);
    for (const share of [0.01, 0.5, 0.95, 0.99, 0.999]) {
      const exact = values[Math.ceil(values.length * share) - 1] as number;
      const told = histogram.quantile(share) as number;
      expect(Math.abs(told / exact - 1), `${share}`).toBeLessThan(0.045);
    }
    expect(histogram.quantile(1)).toBeLessThanOrEqual(histogram.max);
  });

  it('adds up to what one histogram of all values would be', () => {
    const [one, other] = [
      [1, 2, 3, 400],
      [0.002, 5_000, 3],
    ] as const;
    const sum = of(one);
    sum.merge(of(other).toData());
    expect(sum.toData()).toEqual(of([...one, ...other]).toData());
  });

  it('takes nothing, zero and what is larger than every bucket', () => {
    expect(new Histogram().quantile(0.5)).toBeUndefined();
    const histogram = of([0, Number.MAX_SAFE_INTEGER]);
    expect(histogram.quantile(0.5)).toBeLessThanOrEqual(0.001);
    expect(histogram.max).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('counts values between bounds', () => {
    expect(of([0.5, 1, 3, 20, 1_000]).bucketsIn([1, 10, 100])).toEqual([2, 1, 1]);
  });
});

describe('Series', () => {
  it('tells sixteen error codes apart, and counts the rest together', () => {
    const series = new Series({ kind: 'command', feature: 'a:b', plugin: 'a' });
    for (let index = 0; index < 40; index++) series.settle(1, `c${index}`);
    series.settle(1, codeOf(null));
    const { errors, failures } = series.toData();
    expect(failures).toBe(41);
    expect(Object.keys(errors)).toHaveLength(17);
    expect(errors.other).toBe(25);
  });

  it('keeps the total and the slowest of calls that are only known together', () => {
    const series = new Series({ kind: 'command', feature: 'a:b', plugin: 'a' });
    series.add(10, 2, 100, 55);
    const { times, failures } = series.toData();
    expect([times.count, times.total, times.max, failures]).toEqual([10, 100, 55, 2]);
  });
});

it('SeriesTable bounds the series of a plugin, and counts the rest of it together', () => {
  const table = new SeriesTable();
  for (let index = 0; index < 1_000; index++)
    table.of({ kind: 'command', feature: `a:${index}`, plugin: 'a' }).settle(1, undefined);
  table.of({ kind: 'command', feature: 'b:one', plugin: 'b' }).settle(1, undefined);
  expect(table.size).toBe(202);
  const rest = table.all.find(({ name }) => name.feature === '*');
  expect(rest?.times.count).toBe(800);
});

it('Recorder tells who calls, a bounded number of them', () => {
  const recorder = new Recorder({
    measure() {},
    isUnknown: () => false,
    isInstalled: () => true,
    clean: (text) => text,
  });
  const target = { owner: 'test.a', counter: {} };
  for (let index = 0; index < 100; index++)
    recorder.call(
      { id: 'test.a:x', caller: { id: `test.c${index}` }, requestId: 'r', target },
      true,
      undefined,
      1,
    );
  recorder.lane(
    { command: 'test.a:x', caller: 'test.c0', provider: 'test.a' },
    { calls: 5, failures: 0, total: 5, slowest: 1 },
  );
  const callers = recorder.callersOf('test.a');
  expect(callers).toHaveLength(65);
  expect(callers[0]).toEqual({ id: '*', calls: 36 });
  expect(callers[1]).toEqual({ id: 'test.c0', calls: 6 });
  expect(recorder.take().all[0]?.times.count).toBe(105);
});
