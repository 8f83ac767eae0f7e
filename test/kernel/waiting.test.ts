/** Bounded waits for the answer of a guest. */
import { Deadlines } from '@plinth/sdk/rpc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answering, answerOf, within } from '../../kernel/src/guests/waiting.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const TIME = 100;

describe('within()', () => {
  it('answers what the work reports in time', async () => {
    const deadlines = new Deadlines();
    expect(await within(deadlines, TIME, (done) => done(true))).toBe(true);
    deadlines.close();
  });

  it('answers false when the time is up', async () => {
    const late = within(new Deadlines(), TIME, () => {});
    await vi.advanceTimersByTimeAsync(2 * TIME);
    expect(await late).toBe(false);
  });
});

describe('answerOf()', () => {
  const asking = (answer: Promise<unknown>, more: Partial<Answering> = {}) =>
    answerOf(answer, {
      plugin: 'test.a',
      method: 'suspend',
      timeout: TIME,
      deadlines: new Deadlines(),
      mayWait: () => false,
      show: () => undefined,
      ...more,
    });
  const never = new Promise<never>(() => {});

  it('passes an answer on', async () => {
    expect(await asking(Promise.resolve('done'))).toBe('done');
  });

  it('rejects when the time is up, with the plugin and the method', async () => {
    const refused = expect(asking(never)).rejects.toMatchObject({
      code: 'plugin/timeout',
      plugin: 'test.a',
      details: { method: 'suspend', timeout: TIME },
    });
    await vi.advanceTimersByTimeAsync(2 * TIME);
    await refused;
  });

  it('waits on while a debugger may hold the guest', async () => {
    const answer = Promise.withResolvers<string>();
    const asked = asking(answer.promise, { mayWait: () => true });
    await vi.advanceTimersByTimeAsync(10 * TIME);
    answer.resolve('late');
    expect(await asked).toBe('late');
  });

  it('rejects with the error of the guest once that error is ready to be shown', async () => {
    const shown = Promise.withResolvers<void>();
    let over = false;
    const asked = asking(Promise.reject(new Error('no')), { show: () => shown.promise }).finally(
      () => {
        over = true;
      },
    );
    const refused = expect(asked).rejects.toThrow('no');
    await vi.advanceTimersByTimeAsync(0);
    expect(over).toBe(false);
    shown.resolve();
    await refused;
  });
});
