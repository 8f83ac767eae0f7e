/** What is configured to keep a command working: types, defaults, and how layers add up. Costs nothing where nothing is. */
import {
  type BulkheadPolicy,
  type BreakerPolicy,
  type CachePolicy,
  covers,
  createError,
  type DeclaredCallPolicy,
  policyProblem,
  type RatePolicy,
  type RetryPolicy,
} from '@plinth/sdk/contract';

export type { BreakerPolicy, BulkheadPolicy, CachePolicy, RatePolicy, RetryPolicy };

/**
 * What keeps a command working. From the outside in: fallback, cache, rate, bulkhead, retry, breaker, time-out. So a
 * time-out ends one attempt, and a breaker counts it; a call that waits in a bulkhead is not rated again.
 */
export interface CallPolicy extends DeclaredCallPolicy {
  /** Milliseconds for one attempt. */
  readonly timeout?: number;
  /** Answers in the place of a call that has failed for good. */
  readonly fallback?: (error: Error, input: unknown) => unknown;
}

/** Policies by command id, or by prefix that ends in `*`. */
export type ResilienceOptions = Readonly<Record<string, CallPolicy>>;

/** What a plugin's manifest and contract say of a command. */
export interface DeclaredPolicy {
  readonly idempotent: boolean;
  /** Calls a minute for each caller. */
  readonly rateLimit?: number | undefined;
  /** Whether a call needs a user. */
  readonly requiresAuth?: boolean | undefined;
  /** What the contract says, then the manifest. */
  readonly policies?: readonly DeclaredCallPolicy[];
}

/** {@link CallPolicy} with everything decided. */
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

/** Most that a plugin may have the kernel do for it. */
const DECLARED_LIMITS = { attempts: 10, queue: 8_192, size: 10_000 } as const;

/**
 * What holds for a command. For each part the strongest layer has its way: the application's most exact pattern, then its wider
 * ones, then the manifest, then the contract. What limits is the least of all: rates, and calls at the same time. Undefined
 * when there is nothing to do.
 */
export function policyFor(id: string, options: ResilienceOptions, declared: DeclaredPolicy): DecidedPolicy | undefined {
  const layers = Object.keys(options)
    .filter((pattern) => covers(pattern, id))
    .sort((a, b) => a.length - b.length)
    .map((pattern) => options[pattern] as CallPolicy);
  const { rateLimit, requiresAuth = false, idempotent, policies = [] } = declared;
  if (layers.length === 0 && rateLimit === undefined && !requiresAuth && policies.length === 0) return undefined;
  const all: readonly CallPolicy[] = [...policies.map(bounded), ...layers];
  const { timeout, retry, breaker, cache, fallback }: CallPolicy = Object.assign({}, ...all.map(defined));
  return {
    timeout,
    retry:
      retry === undefined || retry === false || !idempotent
        ? undefined
        : { attempts: typeof retry === 'number' ? retry : 3, backoff: 100, maxBackoff: 10_000, ...(typeof retry === 'object' && retry) },
    breaker: breaker === undefined || breaker === false ? undefined : { threshold: 0.5, calls: 20, halfOpenAfter: 10_000, ...(typeof breaker === 'object' && breaker) },
    bulkhead: narrowest(all.map(({ bulkhead }) => bulkhead)),
    rate: lowest([...all.map(({ rate }) => rate), rateLimit]),
    cache: cache === undefined ? undefined : { stale: 0, size: 1_000, ...(typeof cache === 'number' ? { ttl: cache } : cache) },
    fallback,
    requiresAuth,
  };
}

/** A key that is undefined says nothing. */
const defined = (policy: CallPolicy): CallPolicy => Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));

function bounded({ retry, bulkhead, cache, ...rest }: DeclaredCallPolicy): DeclaredCallPolicy {
  const { attempts, queue, size } = DECLARED_LIMITS;
  return {
    ...rest,
    ...(retry !== undefined && {
      retry: typeof retry === 'number' ? Math.min(retry, attempts) : typeof retry === 'object' ? { ...retry, attempts: Math.min(retry.attempts ?? 3, attempts) } : retry,
    }),
    ...(bulkhead !== undefined && { bulkhead: typeof bulkhead === 'number' ? bulkhead : { ...bulkhead, queue: Math.min(bulkhead.queue ?? 0, queue) } }),
    ...(cache !== undefined && { cache: typeof cache === 'number' ? cache : { ...cache, size: Math.min(cache.size ?? 1_000, size) } }),
  };
}

function narrowest(bulkheads: readonly (number | BulkheadPolicy | undefined)[]): Required<BulkheadPolicy> | undefined {
  const all = bulkheads.flatMap((one) => (one === undefined ? [] : [{ queue: 0, ...(typeof one === 'number' ? { concurrency: one } : one) }]));
  return all.sort((a, b) => a.concurrency - b.concurrency || a.queue - b.queue)[0];
}

function lowest(rates: readonly (number | RatePolicy | undefined)[]): Required<RatePolicy> | undefined {
  const all = rates.flatMap((rate) => (rate === undefined ? [] : [{ per: 60_000, ...(typeof rate === 'number' ? { limit: rate } : rate) }]));
  return all.sort((a, b) => a.limit / a.per - b.limit / b.per)[0];
}

/** @throws PluginConfigurationError `kernel/invalid-option` that names the command's pattern and the key. */
export function checkResilience(options: ResilienceOptions | undefined): void {
  for (const [pattern, policy] of Object.entries(options ?? {})) {
    const { timeout, fallback, ...parts } = (policy ?? { policy }) as CallPolicy;
    const sound = { timeout: timeout === undefined || (timeout > 0 && Number.isFinite(timeout)), fallback: fallback === undefined || typeof fallback === 'function' };
    const key = !sound.timeout ? 'timeout' : !sound.fallback ? 'fallback' : policyProblem({ ...parts });
    if (key === undefined) continue;
    const option = `resilience['${pattern}'].${key}`;
    const value = (policy as Readonly<Record<string, unknown>> | null)?.[key];
    throw createError('kernel/invalid-option', `'${option}' is not an option, or ${String(value)} no value for it`, { details: { option } });
  }
}
