/**
 * `@plinth/kernel/resilience`: time-out, retry, breaker, bulkhead, rate, cache and fallback.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import { Guards } from './guards.js';
import type { CommandDefaults, ResilienceOptions } from './policy.js';

export type {
  BreakerPolicy,
  BulkheadPolicy,
  CachePolicy,
  CallPolicy,
  CommandDefaults,
  RatePolicy,
  ResilienceOptions,
  RetryPolicy,
} from './policy.js';

/**
 * Puts policies around commands: those of the application, of contracts and of manifests.
 * Policies that make no sense let `start()` fail with `kernel/invalid-option`.
 *
 * @param defaults for commands whose plugins set no policy.
 * @example
 * const kernel = await createKernel({
 *   extensions: [resilience({ 'com.example.notes:*': { timeout: 2_000, retry: 3 } })],
 * });
 */
export const resilience = makeExtension(
  { name: 'resilience', uses: ['core'] },
  (options: ResilienceOptions = {}, defaults?: CommandDefaults) => ({
    install({ core }) {
      core.guard(new Guards(options, core.base.reporting.announce, defaults));
      core.add(async () => {
        const { checkCommandDefaults, checkResilience } = await import('./check-policies.js');
        checkResilience(options);
        checkCommandDefaults(defaults);
        return () => ({});
      });
    },
  }),
);
