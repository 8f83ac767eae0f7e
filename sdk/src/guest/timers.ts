/**
 * Limits how many timers a plugin may have pending. Below `sandbox` this is hygiene, like
 * everything inside a plugin's own realm; in `sandbox` the platform's timers are out of reach.
 */

type Timer = unknown;

interface TimerScope {
  setTimeout(run: unknown, ms?: unknown, ...values: unknown[]): Timer;
  setInterval(run: unknown, ms?: unknown, ...values: unknown[]): Timer;
  clearTimeout(timer: Timer): void;
  clearInterval(timer: Timer): void;
}

/**
 * Replaces the timers of a scope by ones that throw a RangeError beyond the limit. Without a limit
 * it changes nothing.
 */
export function limitTimers(scope: object, most: number | undefined): void {
  if (most === undefined) return;
  const target = scope as TimerScope;
  const { setTimeout, setInterval, clearTimeout, clearInterval } = target;
  const waiting = new Set<Timer>();
  const check = () => {
    if (waiting.size >= most) throw new RangeError(`more than ${most} timers`);
  };
  target.setTimeout = (run, ms, ...values) => {
    check();
    const timer = setTimeout(
      typeof run === 'function'
        ? (...given: unknown[]) => {
            waiting.delete(timer);
            Reflect.apply(run, undefined, given);
          }
        : run,
      ms,
      ...values,
    );
    waiting.add(timer);
    return timer;
  };
  target.setInterval = (run, ms, ...values) => {
    check();
    const timer = setInterval(run, ms, ...values);
    waiting.add(timer);
    return timer;
  };
  target.clearTimeout = (timer) => {
    waiting.delete(timer);
    clearTimeout(timer);
  };
  target.clearInterval = (timer) => {
    waiting.delete(timer);
    clearInterval(timer);
  };
}
