/**
 * Times as options give them, and timers for them: milliseconds above 0 without upper limit, or
 * Infinity for never.
 */

/** Longest delay of a platform timer, in milliseconds; a longer one fires at once. */
export const LONGEST_TIMER = 0x7fff_ffff;

/** The description of a valid time, for messages. */
export const A_TIME = 'a number of milliseconds above 0 (Infinity for never)';

/** Whether a value is a valid time: not NaN, and above 0. */
export const isTime = (value: unknown): boolean => typeof value === 'number' && value > 0;

/** A pending timer. */
export interface Alarm {
  /** Cancels it. Harmless after it has fired. */
  clear(): void;
}

/**
 * Runs something once after so many milliseconds. Also supports delays longer than a platform
 * timer.
 */
export function alarm(run: () => void, ms: number): Alarm {
  let timer: number | undefined;
  const end = performance.now() + ms;
  const wait = (left: number) => {
    timer = setTimeout(
      left > LONGEST_TIMER ? () => wait(end - performance.now()) : run,
      Math.min(left, LONGEST_TIMER),
    );
  };
  if (ms !== Number.POSITIVE_INFINITY) wait(ms);
  return { clear: () => clearTimeout(timer) };
}
