/** Scheduled jobs, and the changes of what is kept of them. */
import { createError } from '@plinth/sdk/contract';
import type { Guests } from './guests.js';
import type { Kept, KeptJob } from './kept.js';
import type { Settings } from './options.js';
import type { JobsPort } from './port.js';
import type { Pulse } from './pulse.js';
import type { JobSpec } from './read.js';
import type { Times } from './times.js';

/** What the parts of a tenant share. */
export interface Parts {
  readonly port: JobsPort;
  readonly settings: Settings;
  readonly kept: Kept;
  readonly guests: Guests;
  readonly pulse: Pulse;
  /** This kernel, in claims. */
  readonly self: string;
}

/** A job that is scheduled. */
export interface Scheduled {
  readonly plugin: string;
  readonly spec: JobSpec;
  /** The guest that has scheduled it. Undefined for a job of the manifest. */
  readonly token: string | undefined;
  readonly times: Times;
  kept: KeptJob;
  /** Runs in progress here. */
  readonly runs: Map<AbortController, Promise<void>>;
  /** It is being begun. */
  beginning: boolean;
  /** Not before this time. */
  rest: number;
  /** The next time, and what it was found by: a pattern takes a while. */
  found?: { readonly by: KeptJob; readonly next: number | undefined };
  /** The same job of another version, which runs beside this one. */
  readonly under: Scheduled | undefined;
}

/** The job, or the one below it, whose guest is there and is another one than that of a token. */
export function liveOf(
  { guests }: Pick<Parts, 'guests'>,
  job: Scheduled | undefined,
  other: string | undefined,
): Scheduled | undefined {
  let one = job;
  while (one?.token !== undefined) {
    if (one.token !== other && guests.isLive(one.plugin, one.token)) return one;
    one = one.under;
  }
  return undefined;
}

/** @throws PluginOverloadedError `plugin/over-limit` when a plugin may have no more jobs. */
export function checkRoom(
  { settings }: Pick<Parts, 'settings'>,
  all: readonly Scheduled[],
  plugin: string,
): void {
  const { jobs: max } = settings.limits;
  if (all.filter((one) => one.plugin === plugin).length < max) return;
  throw createError(
    'plugin/over-limit',
    `${plugin} has ${max} jobs: limits.jobs of jobs() allows no more`,
    { plugin, details: { limit: 'jobs', max } },
  );
}

/** The next time of a job. */
export function nextOf(job: Scheduled): number | undefined {
  const { kept, times } = job;
  if (job.found?.by !== kept) job.found = { by: kept, next: times.next(kept.last ?? kept.since) };
  return job.found.next;
}

/** Milliseconds that the clocks of two kernels may differ by. */
const APART = 60_000;

/** Whether the clock of the machine was ahead when a job was scheduled, or ran. */
export const isAhead = ({ since, last = since }: KeptJob, now: number): boolean =>
  Math.max(since, last) > now + APART;

/** What is kept, without times that are still to come: the clock of the machine was wrong then. */
const notLater = (kept: KeptJob, now: number): KeptJob => ({
  ...kept,
  since: Math.min(kept.since, now),
  ...(kept.last !== undefined && { last: Math.min(kept.last, now) }),
});

/** What is kept of a job, or what is new of it. */
export async function keepJob(
  { kept, settings }: Pick<Parts, 'kept' | 'settings'>,
  plugin: string,
  spec: JobSpec,
): Promise<KeptJob> {
  const plan = JSON.stringify(spec.plan);
  const fresh: KeptJob = { name: spec.name, plan, since: Date.now() };
  let found = fresh;
  await kept.plugins.update((current = { jobs: [], paused: [] }) => {
    const before = current.jobs.find(({ name }) => name === spec.name);
    // Another schedule starts over, but stays paused.
    found =
      before?.plan === plan
        ? notLater(before, fresh.since)
        : { ...fresh, ...(before?.paused && { paused: true }) };
    const others = current.jobs.filter(({ name }) => name !== spec.name);
    // Jobs that no version schedules any more make room, the stalest first.
    return { ...current, jobs: [...others.slice(-(2 * settings.limits.jobs - 1)), found] };
  }, plugin);
  return found;
}

/**
 * Changes what is kept of a job, here and in the storage.
 *
 * @returns false when nothing is kept of it: it was purged, with its plugin.
 */
export async function changeJob(
  { kept }: Pick<Parts, 'kept'>,
  job: Scheduled,
  change: (kept: KeptJob) => KeptJob,
): Promise<boolean> {
  let next = job.kept;
  let found = false;
  await kept.plugins.update((current) => {
    const before = current?.jobs.find(({ name }) => name === job.spec.name);
    found = before !== undefined;
    if (current === undefined || before === undefined) return current;
    next = change(before);
    return { ...current, jobs: current.jobs.map((one) => (one === before ? next : one)) };
  }, job.plugin);
  job.kept = next;
  return found;
}

/** Reads a job again that is paused, from time to time: another kernel may have resumed it. */
export async function lookAgain(
  { kept, settings }: Pick<Parts, 'kept' | 'settings'>,
  job: Scheduled,
  now: number,
): Promise<void> {
  const before = job.kept;
  const all = await kept.plugins.get(job.plugin);
  // What was decided here meanwhile is later.
  if (job.kept !== before) return;
  job.kept = all?.jobs.find(({ name }) => name === job.spec.name) ?? before;
  if (job.kept.paused) job.rest = now + settings.poll;
}

/** A claim on a run of a job. */
export const claimOf = (
  { self, settings }: Pick<Parts, 'self' | 'settings'>,
  at: number,
  tries: number,
): NonNullable<KeptJob['claim']> => ({ by: self, until: Date.now() + settings.lease, at, tries });

/** Extends the claim on a run. Answers false when it has gone to another kernel. */
export async function renewClaim(
  parts: Pick<Parts, 'kept' | 'self' | 'settings'>,
  job: Scheduled,
  at: number,
): Promise<boolean> {
  let mine = false;
  await changeJob(parts, job, (kept) => {
    mine = kept.claim?.by === parts.self && kept.claim.at === at;
    return mine ? { ...kept, claim: claimOf(parts, at, kept.claim?.tries ?? 1) } : kept;
  });
  return mine;
}
