/** Counts of what passed through the kernel. */
import { expect, it } from 'vitest';
import { Metrics } from '../../kernel/src/telemetry/metrics.ts';

it('a command counts its calls, failures, total and longest time', () => {
  const metrics = new Metrics();
  const counter = metrics.command('test.a:go');
  counter.settle(true, 5);
  counter.settle(false, 2);
  expect(metrics.snapshot().commands['test.a:go']).toEqual({
    calls: 2,
    failures: 1,
    totalTime: 7,
    maxTime: 5,
  });
});

it('reported calls are added to those that were counted', () => {
  const counter = new Metrics().command('test.a:go');
  counter.settle(true, 5);
  counter.add(10, 1, 20, 3);
  expect(counter).toMatchObject({ calls: 11, failures: 1, totalTime: 25, maxTime: 5 });
});

it('a snapshot does not change with later calls', () => {
  const metrics = new Metrics();
  const counter = metrics.command('test.a:go');
  const before = metrics.snapshot();
  counter.settle(true, 1);
  expect(before.commands['test.a:go']?.calls).toBe(0);
});

it('names beyond the bound are counted, and not listed', () => {
  const metrics = new Metrics();
  for (let n = 0; n < 10_000; n++) metrics.command(`test.a:c${n}`);
  const counter = metrics.command('test.a:more');
  counter.settle(true, 1);
  expect(counter.calls).toBe(1);
  expect(metrics.known('test.a:more')).toBe(metrics.unknown);
  expect(Object.keys(metrics.snapshot().commands)).toHaveLength(10_000);
});

it('extensions are listed where there are any', () => {
  const metrics = new Metrics();
  expect(metrics.snapshot()).not.toHaveProperty('extensions');
  metrics.extensions.set('audit.entries', () => 3);
  expect(metrics.snapshot().extensions).toEqual({ 'audit.entries': 3 });
});
