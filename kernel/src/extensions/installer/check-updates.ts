/** Checks how updates are to be made. */
import { didYouMean } from '@plinth/sdk/contract';
import { objectAt, oneOf, wrong } from '../../option-checks.js';

/** @throws PluginConfigurationError `kernel/invalid-option` that names the option. */
export function checkUpdates(updates: unknown): void {
  if (updates === undefined) return;
  const { state, ...rest } = objectAt('policy.updates', updates);
  for (const key of Object.keys(rest))
    throw wrong(`policy.updates.${key}`, `is not an option${didYouMean(key, ['state'], [])}`);
  oneOf('policy.updates.state', state, ['required', 'optional']);
}
