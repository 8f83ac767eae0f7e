/** Calls that wait for a plugin go on in the order in which they came. */
import { expect, it } from 'vitest';
import { MAX_WAITING } from '../../kernel/src/calls/most-waiting.ts';
import { WaitingCalls } from '../../kernel/src/commands/waiting-calls.ts';

const setUp = () => {
  const waiting = new WaitingCalls();
  const gone: string[] = [];
  const call = (name: string, ready: Promise<unknown>, route = '') =>
    waiting.inTurn('test.a', route, ready, () => void gone.push(name));
  return { waiting, gone, call };
};

it('a call that is ready first still goes after the one before it', async () => {
  const { gone, call } = setUp();
  const first = Promise.withResolvers<void>();
  const both = [call('first', first.promise), call('second', Promise.resolve())];
  await Promise.resolve();
  expect(gone).toEqual([]);
  first.resolve();
  await Promise.all(both);
  expect(gone).toEqual(['first', 'second']);
});

it('calls that mean other versions do not wait for each other', async () => {
  const { gone, call } = setUp();
  const first = Promise.withResolvers<void>();
  const slow = call('first', first.promise, '^1.0.0');
  await call('second', Promise.resolve(), '^2.0.0');
  expect(gone).toEqual(['second']);
  first.resolve();
  await slow;
});

it('a call that is refused is reported in its turn, and the next one goes on', async () => {
  const { gone, call } = setUp();
  const refused = call('first', Promise.reject(new Error('not installed')));
  const next = call('second', Promise.resolve());
  await expect(refused).rejects.toThrow('not installed');
  await next;
  expect(gone).toEqual(['second']);
});

it('has() tells whether a call waits, of the same versions when they are named', async () => {
  const { waiting, call } = setUp();
  const over = call('only', Promise.resolve(), '^1.0.0');
  expect([waiting.has('test.a'), waiting.has('test.b')]).toEqual([true, false]);
  expect([waiting.has('test.a', '^1.0.0'), waiting.has('test.a', '')]).toEqual([true, false]);
  await over;
  await expect.poll(() => waiting.has('test.a')).toBe(false);
});

it('too many calls are refused at once, and there is room again when others have gone on', async () => {
  const { waiting, call } = setUp();
  const ready = Promise.withResolvers<void>();
  const kept = Array.from({ length: MAX_WAITING }, (_, at) =>
    call(`${at}`, ready.promise, at % 2 === 0 ? '' : '^1.0.0'),
  );
  await expect(call('more', ready.promise)).rejects.toMatchObject({
    code: 'call/overloaded',
    plugin: 'test.a',
  });
  await waiting.inTurn('test.b', '', Promise.resolve(), () => {});
  ready.resolve();
  await Promise.all(kept);
  await expect.poll(() => waiting.has('test.a')).toBe(false);
  await call('later', Promise.resolve());
});
