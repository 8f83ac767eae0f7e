/** The causes of the events that a guest has received. */
import { DEFAULT_TIMEOUT, type EventOrigin } from '@plinth/sdk/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventCauses } from '../../kernel/src/guests/event-causes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const origin = (user: string) => ({ user }) as EventOrigin;

it('a number leads to its cause until the listener has finished', () => {
  const causes = new EventCauses();
  const number = causes.number(origin('u1'));
  expect(number).toBeLessThan(0);
  expect(causes.get(number)).toEqual({ user: 'u1' });
  causes.over(number);
  expect(causes.get(number)).toBeUndefined();
});

it('a cause is forgotten when no listener can still be at it', () => {
  const causes = new EventCauses();
  const number = causes.number(origin('u1'));
  vi.advanceTimersByTime(DEFAULT_TIMEOUT + 1);
  expect(causes.get(number)).toBeUndefined();
});

it('the latest causes are kept, so many and no more', () => {
  const causes = new EventCauses();
  const first = causes.number(origin('first'));
  const second = causes.number(origin('second'));
  for (let n = 0; n < 1_023; n++) causes.number(origin('more'));
  expect([causes.get(first), causes.get(second)]).toEqual([undefined, { user: 'second' }]);
});

it('an end of what is no number changes nothing', () => {
  const causes = new EventCauses();
  const number = causes.number(origin('u1'));
  for (const one of [undefined, '-1', {}]) causes.over(one);
  expect(causes.get(number)).toBeDefined();
});
