import { expect, test } from 'vitest';
import type { Span } from '../kernel/trace.ts';
import { chainOf } from './chain.ts';

const span: Span = {
  id: '1',
  trace: '1',
  parent: undefined,
  kind: 'command',
  target: 'test.a:do',
  caller: 'host',
  provider: 'test.a',
  started: 0,
  took: 100,
  ok: true,
};
const step = (name: string, alone: number, owner = name) => ({
  name,
  owner,
  took: alone,
  alone,
  ok: true,
});

test('before a call, the chain names what would stand around it', () => {
  expect(chainOf('test.a', ['test.b'], undefined).map(({ label, took }) => [label, took])).toEqual([
    ['kernel and way', undefined],
    ['middleware of test.b', undefined],
    ['handler of test.a', undefined],
  ]);
});

test('each part has its time, and the parts are the whole', () => {
  const steps = [step('chaos', 50, 'host'), step('test.b', 20)];
  const parts = chainOf('test.a', [], { ...span, steps, handler: 25 });
  expect(parts.map(({ label, took, share }) => [label, took, share])).toEqual([
    ['kernel and way', 5, 0.05],
    ['middleware chaos of the page', 50, 0.5],
    ['middleware of test.b', 20, 0.2],
    ['handler of test.a', 25, 0.25],
  ]);
});

test('a handler that was not reached has no time, and the middleware that refused is marked', () => {
  const steps = [{ ...step('test.b', 99), ok: false }];
  const [, middleware, handler] = chainOf('test.a', [], { ...span, ok: false, steps });
  expect([middleware?.failed, handler?.took, handler?.failed]).toEqual([true, undefined, false]);
});

test('a middleware that throws behind a handler that has answered is marked alone, and so is the handler', () => {
  const steps = [{ ...step('test.b', 50), ok: false }];
  const failed = (last: object) =>
    chainOf('test.a', [], { ...span, ...last }).map((one) => one.failed);
  expect(failed({ ok: false, steps, handler: 20, answered: true })).toEqual([false, true, false]);
  const caught = [step('test.b', 50)];
  expect(failed({ ok: true, steps: caught, handler: 20, answered: false })).toEqual([
    ...[false, false, true],
  ]);
});
