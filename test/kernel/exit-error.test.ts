/** The error that callers get when a guest has ended. */
import { expect, it } from 'vitest';
import { exitError } from '../../kernel/src/guests/exit-error.ts';

it.each([
  [{ kind: 'exited', code: 3 }, 'guest/exited', 'test.a ended by itself with code 3'],
  [{ kind: 'exited' }, 'guest/exited', 'test.a ended by itself'],
  [{ kind: 'crashed', error: new Error('no') }, 'guest/crashed', 'test.a crashed: no'],
  [{ kind: 'out-of-memory' }, 'guest/out-of-memory', 'test.a ran out of memory'],
  [{ kind: 'terminated' }, 'guest/terminated', 'test.a was ended by the kernel'],
] as const)('the end %o is a typed error that names the plugin', (reason, code, message) => {
  const error = exitError('test.a', reason);
  expect(error).toMatchObject({ code, message, plugin: 'test.a' });
  expect(error.details).toMatchObject({ reason: reason.kind });
});

it('an unhandled rejection is named, with its cause', () => {
  const cause = new Error('not caught');
  const error = exitError('test.a', { kind: 'crashed', error: cause }, true);
  expect(error.message).toContain('unhandled rejection');
  expect(error.cause).toBe(cause);
  expect(error.details).toEqual({ reason: 'crashed', unhandled: 'rejection' });
});

it('an exit code is told with the error', () => {
  expect(exitError('test.a', { kind: 'exited', code: 3 }).details).toMatchObject({ exitCode: 3 });
});
