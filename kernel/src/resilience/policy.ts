/** What is configured to keep a command working: types, defaults, and how layers add up. Costs nothing where nothing is. */
import { covers, createError } from '@plinth/sdk/contract';

/** How a failed call is tried again: only commands that say they are `idempotent`, only errors that are `retryable` and time-outs. */
export interface RetryPolicy {
  /** Further attempts; 3 when absent. */
  readonly attempts?: number;
  /** Milliseconds before the first of them at most, doubled each time, with full jitter; 100 when absent. */
  readonly backoff?: number;
  /** Longest wait; 10 000 when absent. */
  readonly maxBackoff?: number;
}

/** When a command isn't called any more because it fails: what the caller has got wrong doesn't count. */
export interface BreakerPolicy {
  /** Share of failed calls above which it opens; 0.5 when absent. */
  readonly threshold?: number;
  /** Calls that are looked at, the latest; 20 when absent. It never opens before so many. */
  readonly calls?: number;
  /** Milliseconds until one call may try; 10 000 when absent. */
  readonly halfOpenAfter?: number;
}

/** How many calls of a command run at the same time. */
export interface BulkheadPolicy {
  readonly concurrency: number;
  /** Calls that wait; 0 when absent. */
  readonly queue?: number;
}

/** How often each caller may call. */
export interface RatePolicy {
  readonly limit: number;
  /** Milliseconds; 60 000 when absent. */
  readonly per?: number;
}

/** How long answers are kept, for each caller, user and input. */
export interface CachePolicy {
  /** Milliseconds. */
  readonly ttl: number;
  /** Milliseconds after `ttl` in which the old answer is given while a new one is fetched; 0 when absent. */
  readonly stale?: number;
  /** Most answers; 1 000 when absent. */
  readonly size?: number;
}

/**
 * What keeps a command working. From the outside in: fallback, cache, rate, bulkhead, retry, breaker, time-out. So a
 * time-out ends one attempt, and a breaker counts it; a call that waits in a bulkhead is not rated again.
 */
export interface CallPolicy {
  /** Milliseconds for one attempt. */
  readonly timeout?: number;
  readonly retry?: boolean | number | RetryPolicy;
  readonly breaker?: boolean | BreakerPolicy;
  readonly bulkhead?: number | BulkheadPolicy;
  /** Calls in a minute for each caller, or another interval. */
  readonly rate?: number | RatePolicy;
  /** Milliseconds, or more. */
  readonly cache?: number | CachePolicy;
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

/**
 * What holds for a command: the application's policies, the most exact pattern first for each of their parts, and of all
 * rates the lowest. Undefined when there is nothing to do.
 */
export function policyFor(id: string, options: ResilienceOptions, declared: DeclaredPolicy): DecidedPolicy | undefined {
  const layers = Object.keys(options)
    .filter((pattern) => covers(pattern, id))
    .sort((a, b) => a.length - b.length)
    .map((pattern) => options[pattern] as CallPolicy);
  const { rateLimit, requiresAuth = false, idempotent } = declared;
  if (layers.length === 0 && rateLimit === undefined && !requiresAuth) return undefined;
  const { timeout, retry, breaker, bulkhead, cache, fallback }: CallPolicy = Object.assign({}, ...layers);
  return {
    timeout,
    retry:
      retry === undefined || retry === false || !idempotent
        ? undefined
        : { attempts: typeof retry === 'number' ? retry : 3, backoff: 100, maxBackoff: 10_000, ...(typeof retry === 'object' && retry) },
    breaker: breaker === undefined || breaker === false ? undefined : { threshold: 0.5, calls: 20, halfOpenAfter: 10_000, ...(typeof breaker === 'object' && breaker) },
    bulkhead: bulkhead === undefined ? undefined : { queue: 0, ...(typeof bulkhead === 'number' ? { concurrency: bulkhead } : bulkhead) },
    rate: lowest([...layers.map(({ rate }) => rate), rateLimit]),
    cache: cache === undefined ? undefined : { stale: 0, size: 1_000, ...(typeof cache === 'number' ? { ttl: cache } : cache) },
    fallback,
    requiresAuth,
  };
}

function lowest(rates: readonly (number | RatePolicy | undefined)[]): Required<RatePolicy> | undefined {
  const all = rates.flatMap((rate) => (rate === undefined ? [] : [{ per: 60_000, ...(typeof rate === 'number' ? { limit: rate } : rate) }]));
  return all.sort((a, b) => a.limit / a.per - b.limit / b.per)[0];
}

const isPositive = (value: unknown) => typeof value === 'number' && value > 0;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isShape = (checks: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown) =>
  value !== null && typeof value === 'object' && Object.entries(value).every(([key, one]) => Object.hasOwn(checks, key) && (one === undefined || checks[key]?.(one) === true));
const either =
  (...checks: readonly ((value: unknown) => boolean)[]) =>
  (value: unknown) =>
    checks.some((check) => check(value));
const isFlag = (value: unknown) => typeof value === 'boolean';

const CHECKS: Readonly<Record<keyof CallPolicy, (value: unknown) => boolean>> = {
  timeout: isPositive,
  retry: either(isFlag, isCount, isShape({ attempts: isCount, backoff: isPositive, maxBackoff: isPositive })),
  breaker: either(
    isFlag,
    isShape({ threshold: (value) => isPositive(value) && (value as number) < 1, calls: (value) => isCount(value) && isPositive(value), halfOpenAfter: isPositive }),
  ),
  bulkhead: either(isPositive, (value) => isShape({ concurrency: isPositive, queue: isCount })(value) && isPositive((value as BulkheadPolicy).concurrency)),
  rate: either(isPositive, (value) => isShape({ limit: isPositive, per: isPositive })(value) && isPositive((value as RatePolicy).limit)),
  cache: either(
    isPositive,
    (value) => isShape({ ttl: isPositive, stale: (one) => one === 0 || isPositive(one), size: isPositive })(value) && isPositive((value as CachePolicy).ttl),
  ),
  fallback: (value) => typeof value === 'function',
};

/** @throws PluginConfigurationError `kernel/invalid-option` that names the command's pattern and the key. */
export function checkResilience(options: ResilienceOptions | undefined): void {
  for (const [pattern, policy] of Object.entries(options ?? {})) {
    for (const [key, value] of Object.entries((policy ?? { policy }) as object)) {
      if (value === undefined || (Object.hasOwn(CHECKS, key) && CHECKS[key as keyof CallPolicy](value))) continue;
      const option = `resilience['${pattern}'].${key}`;
      throw createError('kernel/invalid-option', `'${option}' is not an option, or ${String(value)} no value for it`, { details: { option } });
    }
  }
}
