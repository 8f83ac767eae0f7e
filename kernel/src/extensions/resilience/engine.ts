/**
 * Runs calls under their policy. Loaded when the first command needs it; most kernels never load
 * it.
 */
import { createError, LONGEST_TIMER, PluginDeclaredError, PluginError } from '@plinth/sdk/contract';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  fullJitterGenerator,
  handleWhen,
  type IBackoffFactory,
  type IPolicy,
  noop,
  retry,
  wrap,
} from 'cockatiel';
import { RateLimiter } from 'limiter';
import { AnswerCache, keyOf } from './answer-cache.js';
import type { DecidedPolicy, RatePolicy } from './policy.js';

/** The state of a breaker. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** One call, as its policy sees it. */
export interface GuardedCall {
  readonly input: unknown;
  /** The name of the caller. */
  readonly caller: string;
  readonly user: string | undefined;
  readonly signal: AbortSignal;
  attempt(): Promise<unknown>;
}

/** The most callers whose rates are remembered. */
const MAX_CALLERS = 10_000;

/** Applies the policy of one command. Owns its breaker, its rates and its cached answers. */
export class Engine {
  readonly #id: string;
  readonly #plugin: string;
  readonly #policy: DecidedPolicy;
  readonly #attempts: IPolicy;
  readonly #rates = new Map<string, RateLimiter>();
  readonly #cache: AnswerCache | undefined;

  constructor(
    id: string,
    plugin: string,
    policy: DecidedPolicy,
    onBreaker: (state: BreakerState) => void,
  ) {
    this.#id = id;
    this.#plugin = plugin;
    this.#policy = policy;
    this.#cache = policy.cache && new AnswerCache(policy.cache);
    this.#attempts = wrap(bulkheadOf(policy), retryOf(policy), breakerOf(policy, onBreaker));
  }

  async run(call: GuardedCall): Promise<unknown> {
    const { fallback } = this.#policy;
    if (fallback === undefined) return this.#cached(call);
    try {
      return await this.#cached(call);
    } catch (error) {
      if (call.signal.aborted) throw error;
      return fallback(error as Error, call.input);
    }
  }

  #cached(call: GuardedCall): Promise<unknown> {
    const key = this.#cache === undefined ? undefined : keyOf(call.input);
    if (this.#cache === undefined || key === undefined) return this.#guarded(call);
    return this.#cache.get(`${call.caller}\0${call.user ?? ''}\0${key}`, () => this.#guarded(call));
  }

  async #guarded(call: GuardedCall): Promise<unknown> {
    this.#rate(call.caller);
    try {
      return await this.#attempts.execute(() => call.attempt(), call.signal);
    } catch (error) {
      if (error instanceof BrokenCircuitError) {
        throw createError(
          'call/circuit-open',
          `${this.#id} is not called: too many of its last calls have failed`,
          { plugin: this.#plugin, details: { command: this.#id } },
        );
      }
      if (error instanceof BulkheadRejectedError) {
        throw createError(
          'call/overloaded',
          `${this.#id} is busy: no more calls of it may run or wait`,
          { plugin: this.#plugin, details: { command: this.#id } },
        );
      }
      throw error;
    }
  }

  #rate(caller: string): void {
    const { rate } = this.#policy;
    if (rate === undefined) return;
    const limiter = this.#rates.get(caller) ?? limiterOf(rate);
    this.#rates.delete(caller);
    this.#rates.set(caller, limiter);
    if (this.#rates.size > MAX_CALLERS)
      this.#rates.delete(this.#rates.keys().next().value as string);
    if (limiter.tryRemoveTokens(1)) return;
    const retryAfter = Math.ceil(limiter.getWaitTime(1));
    throw createError(
      'call/rate-limited',
      `${caller} calls ${this.#id} too often: ${rate.limit} times in ${rate.per} ms are allowed, try again in ${retryAfter} ms`,
      {
        plugin: this.#plugin,
        details: { command: this.#id, limit: rate.limit, per: rate.per, retryAfter },
      },
    );
  }
}

const limiterOf = ({ limit, per }: Required<RatePolicy>) =>
  new RateLimiter({ tokensPerInterval: limit, interval: Math.min(per, Number.MAX_SAFE_INTEGER) });

function bulkheadOf({ bulkhead: policy }: DecidedPolicy): IPolicy {
  return policy === undefined ? noop : bulkhead(policy.concurrency, policy.queue);
}

function retryOf({ retry: policy }: DecidedPolicy): IPolicy {
  if (policy === undefined) return noop;
  const backoff = new ExponentialBackoff({
    generator: fullJitterGenerator,
    initialDelay: Math.min(policy.backoff, LONGEST_TIMER),
    maxDelay: Math.min(policy.maxBackoff, LONGEST_TIMER),
  });
  return retry(handleWhen(isWorthRetrying), { maxAttempts: policy.attempts, backoff });
}

function breakerOf(
  { breaker: policy }: DecidedPolicy,
  onBreaker: (state: BreakerState) => void,
): IPolicy {
  if (policy === undefined) return noop;
  const { threshold, calls, halfOpenAfter } = policy;
  const breaker = circuitBreaker(handleWhen(isFault), {
    halfOpenAfter: pauseOf(halfOpenAfter),
    breaker: new CountBreaker({ threshold, size: calls, minimumNumberOfCalls: calls }),
  });
  breaker.onStateChange((state) =>
    onBreaker(
      state === CircuitState.Open
        ? 'open'
        : state === CircuitState.HalfOpen
          ? 'half-open'
          : 'closed',
    ),
  );
  return breaker;
}

/**
 * A pause measured by the monotonic clock. cockatiel compares the wall clock's time with
 * `duration`, and the wall clock may be set. So `duration` returns a value that makes every
 * comparison say whether the pause is over.
 */
function pauseOf(milliseconds: number): IBackoffFactory<unknown> {
  return {
    next() {
      const end = performance.now() + milliseconds;
      return {
        get duration() {
          return performance.now() >= end ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
        },
        next: () => pauseOf(milliseconds).next(undefined),
      };
    },
  };
}

/** Whether an error may be gone at the next attempt. */
function isWorthRetrying(error: unknown): boolean {
  return error instanceof PluginError && (error.retryable || error.code === 'call/timeout');
}

/**
 * Errors that are not the provider's fault: an error of the caller, a missing right, a cancelled
 * call, or an error that a contract declares.
 */
const CALLERS_OWN: ReadonlySet<string> = new Set([
  'call/invalid-input',
  'call/invalid-option',
  'call/cancelled',
  'call/cycle',
  'permission/denied',
  'value/invalid',
  'kernel/stopped',
]);

function isFault(error: unknown): boolean {
  if (error instanceof PluginDeclaredError) return false;
  return !(error instanceof PluginError && CALLERS_OWN.has(error.code));
}
