/** Errors of another copy of the SDK: a plugin's bundle and its guest have one each. */
import { PluginError, PluginNetworkError, PluginValidationError } from '@plinth/sdk';
import { errorFromWire, errorToWire } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

// The query makes it a separate module.
const copy = async () =>
  (await import(
    '../../sdk/src/contract/errors.ts?copy' as never
  )) as typeof import('../../sdk/src/contract/errors.ts');

it('are instances of the class of the same name, and of no other', async () => {
  const theirs = await copy();
  expect(theirs.PluginError).not.toBe(PluginError);
  const error = new theirs.PluginNetworkError('network/down', 'down');
  expect(error).toBeInstanceOf(PluginNetworkError);
  expect(error).toBeInstanceOf(PluginError);
  expect(error).not.toBeInstanceOf(PluginValidationError);
  expect(new PluginValidationError('value/invalid', 'bad')).toBeInstanceOf(
    theirs.PluginValidationError,
  );
  for (const value of [undefined, null, 1, 'x', {}, new Error('x'), Object.create(null)])
    expect(value).not.toBeInstanceOf(PluginError);
});

it("an author's own subclass matches only itself", () => {
  class OfflineError extends PluginNetworkError {}
  expect(new OfflineError('network/offline', 'offline')).toBeInstanceOf(PluginNetworkError);
  expect(new OfflineError('network/offline', 'offline')).toBeInstanceOf(OfflineError);
  expect(new PluginNetworkError('network/down', 'down')).not.toBeInstanceOf(OfflineError);
});

it('keep their class over the wire, even if a bundler has renamed it', async () => {
  const theirs = await copy();
  class e extends theirs.PluginNetworkError {}
  const back = errorFromWire(
    errorToWire(new e('network/down', 'down', { details: { host: 'h' } }), false, (value) => value),
    { decode: (value) => value },
  );
  expect(back).toBeInstanceOf(PluginNetworkError);
  expect(back).toMatchObject({ code: 'network/down', retryable: true, details: { host: 'h' } });
});
