/** What keeps a command working, as a contract, a manifest or the application says it. The kernel does what it says. */

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

/** What a contract or a manifest may ask for one of its commands; the application's own word on the same counts more. */
export interface DeclaredCallPolicy {
  readonly retry?: boolean | number | RetryPolicy;
  readonly breaker?: boolean | BreakerPolicy;
  /** Calls at the same time, or more. */
  readonly bulkhead?: number | BulkheadPolicy;
  /** Calls in a minute for each caller, or another interval. */
  readonly rate?: number | RatePolicy;
  /** Milliseconds, or more. */
  readonly cache?: number | CachePolicy;
}

/** The parts of a {@link DeclaredCallPolicy}. */
export const POLICY_PARTS = ['retry', 'breaker', 'bulkhead', 'rate', 'cache'] as const;

const isPositive = (value: unknown) => typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isShape = (checks: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown) =>
  value !== null && typeof value === 'object' && Object.entries(value).every(([key, one]) => Object.hasOwn(checks, key) && (one === undefined || checks[key]?.(one) === true));
const either =
  (...checks: readonly ((value: unknown) => boolean)[]) =>
  (value: unknown) =>
    checks.some((check) => check(value));
const isFlag = (value: unknown) => typeof value === 'boolean';

const CHECKS: Readonly<Record<keyof DeclaredCallPolicy, (value: unknown) => boolean>> = {
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
};

/** The first part of a policy that makes no sense; undefined when all do. */
export function policyProblem(policy: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(policy).find((key) => policy[key] !== undefined && !(Object.hasOwn(CHECKS, key) && CHECKS[key as keyof DeclaredCallPolicy](policy[key])));
}
