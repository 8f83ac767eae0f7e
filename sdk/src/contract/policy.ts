/**
 * Policies that keep a command working, as declared by a contract, a manifest or the application.
 * The kernel applies them.
 */
import { isTime } from './time.js';

/**
 * How a failed call is retried. Only commands that declare `idempotent`, and only errors that are
 * `retryable` and time-outs.
 */
export interface RetryPolicy {
  /** Further attempts; 3 when absent. */
  readonly attempts?: number;
  /**
   * Upper bound of the first wait in milliseconds, doubled each time, with full jitter; 100 when
   * absent.
   */
  readonly backoff?: number;
  /** Longest wait; 10 000 when absent, or `backoff` when that is longer. */
  readonly maxBackoff?: number;
}

/** When a failing command is no longer called. Mistakes of the caller don't count. */
export interface BreakerPolicy {
  /** Share of failed calls above which it opens; 0.5 when absent. */
  readonly threshold?: number;
  /** Number of latest calls that are counted; 20 when absent. It never opens before that many. */
  readonly calls?: number;
  /** Milliseconds until one trial call is allowed; 10 000 when absent. */
  readonly halfOpenAfter?: number;
}

/** How many calls of a command run at the same time. */
export interface BulkheadPolicy {
  readonly concurrency: number;
  /** Calls that may wait; 0 when absent. */
  readonly queue?: number;
}

/** How often each caller may call. */
export interface RatePolicy {
  readonly limit: number;
  /** Milliseconds; 60 000 when absent. */
  readonly per?: number;
}

/** How long answers are cached, per caller, user and input. */
export interface CachePolicy {
  /** Milliseconds. */
  readonly ttl: number;
  /**
   * Milliseconds after `ttl` in which the old answer is returned while a new one is fetched; 0 when
   * absent.
   */
  readonly stale?: number;
  /** Most cached answers; 1 000 when absent. */
  readonly size?: number;
}

/**
 * What a contract or a manifest may ask for one of its commands. The application's own policy takes
 * precedence.
 */
export interface DeclaredCallPolicy {
  readonly retry?: boolean | number | RetryPolicy;
  readonly breaker?: boolean | BreakerPolicy;
  /** Calls at the same time, or a full policy. */
  readonly bulkhead?: number | BulkheadPolicy;
  /** Calls per minute for each caller, or a full policy. */
  readonly rate?: number | RatePolicy;
  /** Milliseconds, or a full policy. */
  readonly cache?: number | CachePolicy;
}

/** The parts of a {@link DeclaredCallPolicy}. */
export const POLICY_PARTS = ['retry', 'breaker', 'bulkhead', 'rate', 'cache'] as const;

/** The policy that a command's contract declares. */
export function policyOf(command: DeclaredCallPolicy): DeclaredCallPolicy | undefined {
  const parts = POLICY_PARTS.filter((part) => command[part] !== undefined);
  return parts.length === 0
    ? undefined
    : Object.fromEntries(parts.map((part) => [part, command[part]]));
}

const isPositive = (value: unknown) =>
  typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isShape =
  (checks: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown) =>
    value !== null &&
    typeof value === 'object' &&
    Object.entries(value).every(
      ([key, one]) =>
        Object.hasOwn(checks, key) && (one === undefined || checks[key]?.(one) === true),
    );
const either =
  (...checks: readonly ((value: unknown) => boolean)[]) =>
  (value: unknown) =>
    checks.some((check) => check(value));
const isFlag = (value: unknown) => typeof value === 'boolean';

const CHECKS: Readonly<Record<keyof DeclaredCallPolicy, (value: unknown) => boolean>> = {
  retry: either(
    isFlag,
    isCount,
    isShape({ attempts: isCount, backoff: isTime, maxBackoff: isTime }),
  ),
  breaker: either(
    isFlag,
    isShape({
      threshold: (value) => isPositive(value) && (value as number) < 1,
      calls: (value) => isCount(value) && isPositive(value),
      halfOpenAfter: isTime,
    }),
  ),
  bulkhead: either(
    isPositive,
    (value) =>
      isShape({ concurrency: isPositive, queue: isCount })(value) &&
      isPositive((value as BulkheadPolicy).concurrency),
  ),
  rate: either(
    isPositive,
    (value) =>
      isShape({ limit: isPositive, per: isTime })(value) && isPositive((value as RatePolicy).limit),
  ),
  cache: either(
    isTime,
    (value) =>
      isShape({ ttl: isTime, stale: (one) => one === 0 || isTime(one), size: isPositive })(value) &&
      isTime((value as CachePolicy).ttl),
  ),
};

/** The first invalid part of a policy; undefined when all are valid. */
export function policyProblem(policy: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(policy).find(
    (key) =>
      policy[key] !== undefined &&
      !(Object.hasOwn(CHECKS, key) && CHECKS[key as keyof DeclaredCallPolicy](policy[key])),
  );
}
