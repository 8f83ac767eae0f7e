/** What a plugin asks the host for, and what the host sends to it for a run. */
import { command, contract } from '@plinth/sdk';

/** What to do with times that passed while the job could not run. */
export type Missed = 'skip' | 'once' | 'all';

/** A schedule: a period, or a pattern of cron with a time zone. */
export type Schedule =
  | { readonly every: number | string }
  | { readonly cron: string; readonly timeZone?: string };

/** How a job runs. */
export interface JobSettings {
  /**
   * Times that passed while the job could not run. `skip`: they are dropped. `once`: the job runs
   * once for the latest of them. `all`: it runs for each, up to a bound of the host. Default:
   * `skip`.
   */
  readonly missed?: Missed;
  /** Whether a run may begin while another one is in progress. Default: false. */
  readonly overlap?: boolean;
  /** Time that a run may take: milliseconds, or a text like `'5m'`. Default: 30 seconds. */
  readonly timeout?: number | string;
}

/** A job of a manifest: an entry of `contributes.jobs`. */
export type DeclaredJob = JobSettings & Schedule & { readonly name: string };

/** How a queue is worked off. */
export interface QueueSettings {
  /** Tasks that are handled at the same time. Default: 1. */
  readonly concurrency?: number;
  /** Time that a task may take: milliseconds, or a text like `'5m'`. Default: 30 seconds. */
  readonly timeout?: number | string;
}

/** A queue of a manifest: an entry of `contributes.queues`. */
export type DeclaredQueue = QueueSettings & { readonly name: string };

/** How long a task waits after an attempt that failed, and at most. */
export interface BackOff {
  /** The wait after the first attempt, in milliseconds or as a text. Default: 1 second. */
  readonly first?: number | string;
  /** What each further wait is multiplied by, from 1 on. Default: 2. */
  readonly factor?: number;
  /** The longest wait. Default: 1 hour. */
  readonly most?: number | string;
}

/** What is said about a task when it is pushed. */
export interface PushOptions {
  /** Time before the task is handled: milliseconds, or a text like `'5m'`. Default: none. */
  readonly delay?: number | string;
  /** While a task with the same key is in the queue, a further one isn't added. */
  readonly key?: string;
  /** Attempts after the first one has failed. Default: 3. */
  readonly retries?: number;
  /** How long it waits between attempts. Each wait is shortened by up to a half, at random. */
  readonly backOff?: BackOff;
}

/** The answer to a push. The task is then in the kernel's storage. */
export interface Pushed {
  readonly id: string;
  /** False where the queue has a task with the same key. */
  readonly added: boolean;
}

/** Tasks of a queue. */
export interface QueueCounts {
  /** They can be handled now. */
  readonly waiting: number;
  /** They wait for a later time. */
  readonly delayed: number;
  readonly running: number;
  /** They have failed for good. */
  readonly dead: number;
}

/** A task that has failed for good. */
export interface DeadTask {
  readonly id: string;
  readonly task: unknown;
  /** Milliseconds since the epoch. */
  readonly pushed: number;
  readonly died: number;
  readonly attempts: number;
  readonly error: { readonly code: string; readonly message: string };
}

/** What a guest is called with for a run. `tokens` prove that the host's extension calls it. */
export type RunRequest = { readonly tokens: readonly string[] } & (JobRequest | TaskRequest);

/** A run of a job. */
export interface JobRequest {
  readonly job: string;
  /** The time that it runs for, in milliseconds since the epoch. */
  readonly at: number;
  readonly missed: boolean;
  readonly by: 'schedule' | 'operator';
}

/** An attempt at a task. */
export interface TaskRequest {
  readonly queue: string;
  readonly id: string;
  readonly task: unknown;
  readonly attempt: number;
  readonly last: boolean;
  readonly pushed: number;
}

/** What a guest answers when it doesn't know any of the tokens. It then introduces itself again. */
export const STRANGER = 'plinth.jobs:stranger';

/** The command of a plugin that runs its jobs and tasks. Only the host's extension can use it. */
export const RUN = 'plinthJobs';

/** How jobs and queues are named. */
export const NAME = /^[a-z][a-zA-Z0-9-]{0,63}$/;

/**
 * What the host answers. A plugin needs the right to `commands.execute` of `plinth.jobs:*`.
 * `jobs(ctx)` makes the calls.
 */
export const Jobs = contract('plinth.jobs@1', {
  attach: command({}),
  schedule: command({}),
  unschedule: command({}),
  work: command({}),
  rest: command({}),
  push: command({}),
  counts: command({}),
  dead: command({}),
  retry: command({}),
  drop: command({}),
});
