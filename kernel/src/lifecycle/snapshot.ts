/** State that a plugin hands from one of its guests to the next. */
import { createError } from '@plinth/sdk/contract';
import { sizeOf } from '@plinth/sdk/rpc';
import type { Snapshot } from '../plugin/snapshot.js';
import { hookFailed } from './failures.js';

/** Largest state that is kept for the next guest, in bytes. */
export const MAX_STATE = 16_000_000;

/** The guest whose state is requested. */
export interface StateHolder {
  has(hook: 'getState'): boolean;
  ask(method: 'getState', timeout: number): Promise<unknown>;
}

/**
 * Asks a guest for its state. Undefined when its plugin offers none.
 *
 * @throws PluginValidationError `value/invalid`, PluginLifecycleError `plugin/state-too-large` or
 * `plugin/hook-failed` with what `getState` threw, PluginTimeoutError `plugin/timeout`.
 */
export async function takeSnapshot(
  guest: StateHolder,
  { id, version }: { readonly id: string; readonly version: string },
  timeout: number,
): Promise<Snapshot | undefined> {
  if (!guest.has('getState')) return undefined;
  const state = await guest.ask('getState', timeout).catch((cause: unknown) => {
    throw hookFailed(id, 'getState', cause);
  });
  const bytes = sizeOf(state);
  if (bytes > MAX_STATE) {
    throw createError(
      'plugin/state-too-large',
      `the state of ${id}@${version} has ${bytes} bytes, more than the limit of ${MAX_STATE}: keep large data in ctx.storage`,
      {
        plugin: id,
        details: { bytes, limit: MAX_STATE },
      },
    );
  }
  return { state, fromVersion: version };
}
