/**
 * The configuration of a command's resilience: types, defaults, and how layers combine. Commands
 * without a policy cost nothing.
 */
import {
  type BreakerPolicy,
  type BulkheadPolicy,
  byExactness,
  type CachePolicy,
  covers,
  type DeclaredCallPolicy,
  type RatePolicy,
  type RetryPolicy,
} from '@plinth/sdk/contract';
import type { DeclaredPolicy } from '../../commands/command-guards.js';

export type { BreakerPolicy, BulkheadPolicy, CachePolicy, RatePolicy, RetryPolicy };

/**
 * The policy of a command. From the outside in: fallback, cache, rate, bulkhead, retry, breaker,
 * time-out. A time-out therefore ends one attempt, and a breaker counts it. A call that waits in a
 * bulkhead is not rated again.
 */
export interface CallPolicy extends DeclaredCallPolicy {
  /** Milliseconds for one attempt. */
  readonly timeout?: number;
  /** Answers in place of a call that has finally failed. */
  readonly fallback?: (error: Error, input: unknown) => unknown;
}

/** Policies by command id, or by prefix that ends in `*`. */
export type ResilienceOptions = Readonly<Record<string, CallPolicy>>;

/** The defaults for commands whose plugins set no policy. */
export interface CommandDefaults {
  /**
   * Whether a call needs a user. A command whose manifest says `requiresAuth: false` needs none.
   */
  readonly requiresAuth?: boolean;
  /**
   * Calls a minute for each caller, when neither the application nor the plugin sets a rate for the
   * command.
   */
  readonly rateLimit?: number;
}

/** {@link CallPolicy} with every value decided. */
export interface DecidedPolicy {
  readonly timeout: number | undefined;
  readonly retry: Required<RetryPolicy> | undefined;
  readonly breaker: Required<BreakerPolicy> | undefined;
  readonly bulkhead: Required<BulkheadPolicy> | undefined;
  readonly rate: Required<RatePolicy> | undefined;
  readonly cache: Required<CachePolicy> | undefined;
  readonly fallback: CallPolicy['fallback'];
  readonly requiresAuth: boolean;
}

/** The most that a plugin may request for its commands. */
const DECLARED_LIMITS = { attempts: 10, queue: 8_192, size: 10_000 } as const;

/**
 * The effective policy of a command. For each part the strongest layer decides: the application's
 * most exact pattern, then its wider patterns, then the manifest, then the contract. Of limits the
 * lowest applies: rates, and concurrent calls. Undefined when there is no policy.
 */
export function policyFor(
  id: string,
  options: ResilienceOptions,
  declared: DeclaredPolicy,
  defaults: CommandDefaults = {},
): DecidedPolicy | undefined {
  const layers = Object.keys(options)
    .filter((pattern) => covers(pattern, id))
    .sort(byExactness)
    .map((pattern) => options[pattern] as CallPolicy);
  const { requiresAuth = defaults.requiresAuth ?? false, idempotent, policies = [] } = declared;
  const rated =
    declared.rateLimit !== undefined ||
    [...policies, ...layers].some(({ rate }) => rate !== undefined);
  const rateLimit = rated ? declared.rateLimit : defaults.rateLimit;
  if (layers.length === 0 && rateLimit === undefined && !requiresAuth && policies.length === 0)
    return undefined;
  const all: readonly CallPolicy[] = [...policies.map(bounded), ...layers];
  const { timeout, retry, breaker, cache, fallback }: CallPolicy = Object.assign(
    {},
    ...all.map(defined),
  );
  return {
    timeout,
    retry:
      retry === undefined || retry === false || !idempotent
        ? undefined
        : retryOf(
            typeof retry === 'object'
              ? defined(retry)
              : typeof retry === 'number'
                ? { attempts: retry }
                : {},
          ),
    breaker:
      breaker === undefined || breaker === false
        ? undefined
        : {
            threshold: 0.5,
            calls: 20,
            halfOpenAfter: 10_000,
            ...(typeof breaker === 'object' && defined(breaker)),
          },
    bulkhead: narrowest(all.map(({ bulkhead }) => bulkhead)),
    rate: lowest([...all.map(({ rate }) => rate), rateLimit]),
    cache:
      cache === undefined
        ? undefined
        : {
            stale: 0,
            size: 1_000,
            ...(typeof cache === 'number' ? { ttl: cache } : defined(cache)),
          },
    fallback,
    requiresAuth,
  };
}

/** A copy without undefined keys, which say nothing. */
const defined = <T extends object>(policy: T): T =>
  Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined)) as T;

const retryOf = ({
  attempts = 3,
  backoff = 100,
  maxBackoff = Math.max(10_000, backoff),
}: RetryPolicy): Required<RetryPolicy> => ({ attempts, backoff, maxBackoff });

function bounded({ retry, bulkhead, cache, ...rest }: DeclaredCallPolicy): DeclaredCallPolicy {
  const { attempts, queue, size } = DECLARED_LIMITS;
  return {
    ...rest,
    ...(retry !== undefined && {
      retry:
        typeof retry === 'number'
          ? Math.min(retry, attempts)
          : typeof retry === 'object'
            ? { ...retry, attempts: Math.min(retry.attempts ?? 3, attempts) }
            : retry,
    }),
    ...(bulkhead !== undefined && {
      bulkhead:
        typeof bulkhead === 'number'
          ? bulkhead
          : { ...bulkhead, queue: Math.min(bulkhead.queue ?? 0, queue) },
    }),
    ...(cache !== undefined && {
      cache:
        typeof cache === 'number' ? cache : { ...cache, size: Math.min(cache.size ?? 1_000, size) },
    }),
  };
}

function narrowest(
  bulkheads: readonly (number | BulkheadPolicy | undefined)[],
): Required<BulkheadPolicy> | undefined {
  const all = bulkheads.flatMap((one) =>
    one === undefined
      ? []
      : [{ queue: 0, ...(typeof one === 'number' ? { concurrency: one } : defined(one)) }],
  );
  return all.sort((a, b) => a.concurrency - b.concurrency || a.queue - b.queue)[0];
}

function lowest(
  rates: readonly (number | RatePolicy | undefined)[],
): Required<RatePolicy> | undefined {
  const all = rates.flatMap((rate) =>
    rate === undefined
      ? []
      : [{ per: 60_000, ...(typeof rate === 'number' ? { limit: rate } : defined(rate)) }],
  );
  return all.sort((a, b) => a.limit / a.per - b.limit / b.per)[0];
}
