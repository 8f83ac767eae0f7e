/** What an application sees of jobs and queues. */
import type { QueueCounts } from './contract.js';
import type { Problem } from './declared.js';
import type { Scheduled } from './job-book.js';
import type { LastRun } from './kept.js';
import type { JobSpec } from './read.js';

/** A job, as it is now. Times are in milliseconds; those of a date since the epoch. */
export interface JobInfo {
  readonly plugin: string;
  readonly name: string;
  readonly schedule:
    | { readonly every: number }
    | { readonly cron: string; readonly timeZone: string };
  /** Whether the manifest has it, so that the plugin is started or woken for it. */
  readonly declared: boolean;
  readonly missed: 'skip' | 'once' | 'all';
  readonly overlap: boolean;
  readonly timeout: number;
  readonly paused: boolean;
  /** Runs in progress here. */
  readonly running: number;
  readonly next?: number;
  readonly last?: LastRun;
  /** Why it can't be scheduled. */
  readonly problem?: string;
}

/** A queue, as it is now. */
export interface QueueInfo extends QueueCounts {
  readonly plugin: string;
  readonly queue: string;
  readonly paused: boolean;
  /** Whether the plugin handles its tasks, or would be woken for them. */
  readonly handled: boolean;
}

const specInfo = ({ name, plan, missed, overlap, timeout }: JobSpec) => ({
  name,
  schedule:
    plan.kind === 'every'
      ? { every: plan.period }
      : { cron: plan.pattern, timeZone: plan.timeZone },
  missed,
  overlap,
  timeout,
});

/** A scheduled job as the application sees it. */
export const jobInfo = (job: Scheduled, next: number | undefined): JobInfo => ({
  plugin: job.plugin,
  ...specInfo(job.spec),
  declared: job.token === undefined,
  paused: job.kept.paused === true,
  running: job.runs.size,
  ...(next !== undefined && { next }),
  ...(job.kept.run && { last: job.kept.run }),
});

/** A job that can't be scheduled, as the application sees it. */
export const problemInfo = ({ plugin, spec, message }: Problem): JobInfo => ({
  plugin,
  ...specInfo(spec),
  declared: true,
  paused: false,
  running: 0,
  problem: message,
});
