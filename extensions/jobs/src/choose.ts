/** Which time a job runs for now, by what is kept of it. */
import type { KeptJob } from './kept.js';
import { isHeld } from './lease.js';
import type { JobSpec } from './read.js';
import type { Times } from './times.js';

/** A run that is to begin. */
export interface Choice {
  /** The time to run for. Undefined: none. What has passed is then dropped. */
  readonly at: number | undefined;
  readonly missed: boolean;
  /** Which attempt at this time it is, from 1 on. */
  readonly tries: number;
  /** The last time that is accounted for, once this has begun. */
  readonly last: number | undefined;
}

/** Milliseconds after which a time counts as missed. A busy host is not that late. */
const LATE = 5_000;
/** How often a run that was interrupted is begun. */
const TRIES = 3;

/**
 * Chooses what to run.
 *
 * @param most runs for missed times after each other.
 * @returns undefined when nothing is due, or another kernel runs the job.
 */
export function choose(
  kept: KeptJob,
  { missed, overlap }: Pick<JobSpec, 'missed' | 'overlap'>,
  times: Times,
  now: number,
  most: number,
): Choice | undefined {
  const { claim } = kept;
  if (!overlap && isHeld(claim, now)) return undefined;
  if (claim !== undefined && missed !== 'skip' && claim.tries < TRIES)
    return { at: claim.at, missed: true, tries: claim.tries + 1, last: kept.last };
  const passed = times.latest(kept.last ?? kept.since, now, missed === 'all' ? most : 1);
  const newest = passed.at(-1);
  if (newest === undefined) return undefined;
  const late = (at: number) => now - at > LATE;
  if (missed === 'skip' && late(newest))
    return { at: undefined, missed: true, tries: 0, last: newest };
  const at = missed === 'all' ? (passed[0] as number) : newest;
  return { at, missed: late(at), tries: 1, last: at };
}
