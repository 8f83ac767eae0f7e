/** The times of a job. */
import type { Plan } from './read.js';

/** When a job runs, in milliseconds since the epoch. */
export interface Times {
  /** The first time after the given one. Undefined: there is none. */
  next(after: number): number | undefined;
  /** The latest times after `since`, up to `now` included: at most so many, the oldest first. */
  latest(since: number, now: number, most: number): readonly number[];
}

/**
 * The years that a pattern is looked for in. A day that never comes is looked for in all of them, on
 * the host's thread. Forty have each day of the week on each day of the year.
 */
const PAST = 10;
const FUTURE = 40;

/**
 * The times of a plan. The parser of patterns is loaded for the first pattern.
 *
 * @param since what periods count from.
 * @throws Error the parser's, for a pattern or a time zone that is none, or a pattern that never
 * comes.
 */
export async function timesOf(plan: Plan, since: number): Promise<Times> {
  if (plan.kind === 'every') return periodTimes(plan.period, since);
  const { Cron } = await import('croner');
  const { pattern, timeZone } = plan;
  const year = new Date().getUTCFullYear();
  const years = `${Math.max(1, year - PAST)}-${Math.min(9_999, year + FUTURE)}`;
  const options = { paused: true, timezone: timeZone } as const;
  // It is read without the years first, so that a refusal names what the plugin has written.
  new Cron(pattern, { mode: '5-part', ...options });
  const cron = new Cron(`0 ${pattern} ${years}`, { mode: '7-part', ...options });
  if (cron.nextRun() === null) throw new Error('it names a day that never comes');
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    latest: (from, now, most) =>
      cron
        // One that is reached in this very millisecond belongs to it.
        .previousRuns(most, new Date(now + 1))
        .map((date) => date.getTime())
        .filter((at) => at > from && at <= now)
        .reverse(),
  };
}

function periodTimes(period: number, since: number): Times {
  const last = (now: number) => since + Math.floor((now - since) / period) * period;
  return {
    next: (after) => (after < since ? since + period : last(after) + period),
    latest(from, now, most) {
      const times: number[] = [];
      for (let at = last(now); at > from && at > since && times.length < most; at -= period)
        times.unshift(at);
      return times;
    },
  };
}
