/** Failures in a plugin's life: the code, the hook and the cause that an operator sees. */
import { createError } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import {
  activationFailed,
  hookFailed,
  isOwnFailure,
  loadFailed,
  toldByGuest,
} from '../../kernel/src/lifecycle/failures.ts';

const ID = 'test.a';
/** What only the kernel may say, said by a plugin. */
const verdict = createError('plugin/cycle', 'I am in a cycle');

describe('loadFailed()', () => {
  it('keeps an error that has a code, and wraps any other', () => {
    const typed = createError('plugin/timeout', 'too slow');
    expect(loadFailed(ID, typed)).toBe(typed);
    const cause = new SyntaxError('unexpected token');
    expect(loadFailed(ID, cause)).toMatchObject({ code: 'plugin/load-failed', plugin: ID, cause });
  });
});

describe('isOwnFailure()', () => {
  it('of a load is one that its guest caused', () => {
    const crash = createError('guest/crashed', 'gone');
    expect(isOwnFailure('load', new Error('no', { cause: crash }))).toBe(true);
    expect(isOwnFailure('load', createError('storage/failed', 'no disk'))).toBe(false);
  });

  it('of an activation is any that does not come from what it needs', () => {
    expect(isOwnFailure('activate', new Error('no'))).toBe(true);
    const cause = createError('plugin/unavailable', 'test.base was stopped');
    expect(isOwnFailure('activate', new Error('no', { cause }))).toBe(false);
  });

  it('ends for a cause that is its own cause', () => {
    const error = new Error('no');
    error.cause = error;
    expect(isOwnFailure('activate', error)).toBe(true);
  });
});

describe('activationFailed()', () => {
  it('names the hook in which it failed', () => {
    const cause = createError('plugin/hook-failed', 'no', { details: { hook: 'restoreState' } });
    expect(activationFailed(ID, 'activate', cause).message).toContain('restoreState failed');
    expect(activationFailed(ID, 'initialize', new Error('no')).message).toContain(
      'configure failed: no',
    );
  });

  it('gives the error of the plugin itself as the cause', () => {
    const own = new Error('no disk');
    const wrapped = createError('plugin/hook-failed', 'failed', { cause: own });
    expect(activationFailed(ID, 'activate', wrapped).cause).toBe(own);
  });
});

describe('hookFailed()', () => {
  it('keeps an error of the kernel, and wraps one of the plugin', () => {
    const ours = createError('plugin/timeout', 'too slow');
    expect(hookFailed(ID, 'suspend', ours)).toBe(ours);
    const cause = new Error('no');
    expect(hookFailed(ID, 'suspend', cause)).toMatchObject({
      code: 'plugin/hook-failed',
      message: 'test.a failed in suspend: no',
      cause,
    });
  });

  it('does not wrap an error twice', () => {
    const once = hookFailed(ID, 'suspend', new Error('no'));
    expect(hookFailed(ID, 'suspend', once)).toBe(once);
  });

  it('wraps what a plugin throws that is no error', () => {
    expect(hookFailed(ID, 'suspend', 'no')).toMatchObject({ code: 'plugin/hook-failed' });
  });
});

it('a plugin cannot say what only the kernel may say', () => {
  expect(toldByGuest(ID, verdict)).toMatchObject({ code: 'plugin/load-failed' });
  expect(hookFailed(ID, 'suspend', verdict)).toMatchObject({ code: 'plugin/hook-failed' });
});
