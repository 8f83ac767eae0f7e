import type { PluginUsage } from '@plinth/host-browser';
import { expect, test } from 'vitest';
import { MEASURES, type Measure, Series } from './series.ts';

const usage = (id: string, answered: number): PluginUsage => ({
  id,
  state: 'active',
  calls: { answered, failed: 0, pending: 1, serving: 0, streams: 0, waiting: 0 },
  logs: { lines: 0, levels: {} },
  crashes: 0,
  restarts: 0,
  unknown: {},
});
const measure = (title: string) => MEASURES.find((one) => one.title === title) as Measure;

test('a count becomes a rate, and an amount stays what it is', () => {
  const series = new Series();
  series.add(0, [usage('test.a', 10)]);
  series.add(2, [usage('test.a', 30), usage('test.b', 5)]);
  series.add(4, [usage('test.a', 30), usage('test.b', 5)]);
  expect(series.lines(measure('Calls'))).toEqual({
    names: ['test.a', 'test.b'],
    data: [
      [0, 2, 4],
      [null, 10, 0],
      [null, null, 0],
    ],
  });
  expect(series.lines(measure('Calls in progress'), 'test.a').data[1]).toEqual([1, 1, 1]);
  expect(series.lines(measure('Storage'), 'test.a').data[1]).toEqual([null, null, null]);
});

test('a plugin that begins again has no negative rate', () => {
  const series = new Series();
  series.add(0, [usage('test.a', 100)]);
  series.add(1, [usage('test.a', 1)]);
  expect(series.lines(measure('Calls')).data[1]).toEqual([null, 0]);
});

test('samples and lines are bounded', () => {
  const series = new Series();
  const plugins = Array.from({ length: 500 }, (_, index) => usage(`test.p${index}`, index));
  for (let time = 0; time < 400; time++) series.add(time, plugins);
  const { names, data } = series.lines(measure('Calls'));
  expect(names).toEqual([
    'test.p494',
    'test.p495',
    'test.p496',
    'test.p497',
    'test.p498',
    'test.p499',
  ]);
  expect(data[0]).toHaveLength(300);
});
