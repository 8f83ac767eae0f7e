/** How an extension takes part in calls: it observes them, or wraps them. */
import type { CallView, Outcome, TargetView } from './views.js';

/** The interest in one target, made by {@link observer} or {@link wrapper}. */
export interface Interest {
  readonly interest: 'observer' | 'wrapper';
}

/** An interest that only observes. */
export interface Observer extends Interest {
  readonly interest: 'observer';
  start(call: CallView): unknown;
  end(call: CallView, outcome: Outcome, token: unknown): void;
}

/** An interest that decides about the call. */
export interface Wrapper extends Interest {
  readonly interest: 'wrapper';
  run(call: CallView, input: unknown, next: (input: unknown) => Promise<unknown>): unknown;
}

/**
 * Observes the start and end of calls. It can't change them or make them fail. Its errors are
 * logged.
 *
 * @param parts `end` receives the result of `start`.
 * @example
 * observer({
 *   start: () => performance.now(),
 *   end: (call, { ok }, since) => record(call.target.id, ok, performance.now() - since),
 * });
 */
export function observer<T = undefined>(parts: {
  start?(call: CallView): T;
  end(call: CallView, outcome: Outcome, token: T): void;
}): Interest {
  const made: Observer = {
    interest: 'observer',
    start: (call) => parts.start?.(call),
    end: (call, outcome, token) => parts.end(call, outcome, token as T),
  };
  return Object.freeze(made);
}

/**
 * Runs a call: once, again, or not at all. Its errors reach the caller.
 *
 * @example
 * wrapper(async (call, input, next) => (await next(input)) ?? 'nothing');
 */
export function wrapper(run: Wrapper['run']): Interest {
  const made: Wrapper = { interest: 'wrapper', run };
  return Object.freeze(made);
}

/** Takes part in calls. */
export interface Interceptor {
  /** All kinds when absent. */
  readonly kinds?: readonly TargetView['kind'][];
  /**
   * `outside`: around all middleware, once for each call. Observers begin before all wrappers there,
   * and hear the end when the caller does. `middleware`: around each middleware of the application
   * and of plugins by itself, for observers alone; a wrapper there fails the call. `inside`: next to
   * the handler, where `next` may run again.
   */
  readonly place: 'outside' | 'middleware' | 'inside';
  /**
   * Asked once for each target, and again after `changed()`. For `undefined`, the target's calls
   * have no extra cost. An error fails the call, because a policy that can't be found is not
   * skipped.
   */
  for(target: TargetView): Interest | undefined;
}
