import { expect, test } from 'vitest';
import { CallSteps } from './call-steps.ts';

const named = (owner: string) => ({ name: owner, owner });

test('each middleware has its own time: without the next one, and without the handler', () => {
  const steps = new CallSteps();
  const first = steps.enter(named('host'), 0);
  const second = steps.enter(named('test.a'), 2);
  steps.reach(10);
  steps.depart(110, true);
  second?.leave(115, true);
  first?.leave(118, true);
  expect(steps.ended(120)).toEqual({
    steps: [
      { ...named('host'), took: 118, alone: 5, ok: true },
      { ...named('test.a'), took: 113, alone: 13, ok: true },
    ],
    handler: 100,
    answered: true,
  });
});

test('a middleware that answers itself has all the time, and there is none of a handler', () => {
  const steps = new CallSteps();
  steps.enter(named('test.a'), 1)?.leave(9, false);
  expect(steps.ended(10)).toEqual({
    steps: [{ ...named('test.a'), took: 8, alone: 8, ok: false }],
  });
});

test('several attempts of a handler count together, and an end that is not told is that of the call', () => {
  const steps = new CallSteps();
  steps.enter(named('test.a'), 0);
  steps.reach(0);
  steps.depart(10, false);
  steps.reach(20);
  expect(steps.ended(25)).toEqual({
    steps: [{ ...named('test.a'), took: 25, alone: 10, ok: true }],
    handler: 15,
  });
});

test('of many middleware the first ones are told apart', () => {
  const steps = new CallSteps();
  for (let index = 0; index < 100_000; index++) steps.enter(named('test.a'), index);
  expect(steps.ended(100_000).steps).toHaveLength(32);
});
