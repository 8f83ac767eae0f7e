/** Checks the application's policies of commands, and the defaults for commands. */
import {
  createError,
  didYouMean,
  isTime,
  messageOf,
  POLICY_PARTS,
  policyProblem,
} from '@plinth/sdk/contract';
import { objectAt, oneOf, wrong } from '../../option-checks.js';
import type { CallPolicy, ResilienceOptions } from './policy.js';

/**
 * @throws PluginConfigurationError `kernel/invalid-option` that names the command's pattern and the
 * key.
 */
export function checkResilience(options: ResilienceOptions | undefined): void {
  for (const [pattern, policy] of Object.entries(options ?? {})) {
    const { timeout, fallback, ...parts } = (policy ?? { policy }) as CallPolicy;
    const sound = {
      timeout: timeout === undefined || isTime(timeout),
      fallback: fallback === undefined || typeof fallback === 'function',
    };
    const key = !sound.timeout
      ? 'timeout'
      : !sound.fallback
        ? 'fallback'
        : policyProblem({ ...parts });
    if (key === undefined) continue;
    const option = `resilience['${pattern}'].${key}`;
    const value = (policy as Readonly<Record<string, unknown>> | null)?.[key];
    const known = ['timeout', 'fallback', ...POLICY_PARTS];
    const what = known.includes(key)
      ? `cannot be ${JSON.stringify(value) ?? String(value)}`
      : `is not an option${didYouMean(key, known, [])}`;
    throw createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
  }
}

/** @throws PluginConfigurationError `kernel/invalid-option` that names the option. */
export function checkCommandDefaults(commands: unknown): void {
  if (commands === undefined) return;
  const { requiresAuth, rateLimit, ...rest } = objectAt('policy.commands', commands);
  for (const key of Object.keys(rest))
    throw wrong(
      `policy.commands.${key}`,
      `is not an option${didYouMean(key, ['requiresAuth', 'rateLimit'], [])}`,
    );
  oneOf('policy.commands.requiresAuth', requiresAuth, [true, false]);
  if (rateLimit !== undefined && !(Number.isSafeInteger(rateLimit) && (rateLimit as number) > 0))
    throw wrong(
      'policy.commands.rateLimit',
      `must be a whole number of calls a minute above 0, not ${messageOf(rateLimit)}`,
    );
}
