/** What is kept of jobs and tasks in the kernel's storage. */
import type { Documents } from '@plinth/kernel/extension';
import { createError } from '@plinth/sdk/contract';
import type { Claim } from './lease.js';
import type { Failure, JobsPort } from './port.js';
import type { PushSpec } from './read.js';

/** How a run ended. Times are in milliseconds. */
export interface LastRun {
  /** The time that it ran for, since the epoch. */
  readonly at: number;
  readonly took: number;
  readonly ok: boolean;
  readonly error?: Failure;
}

/** What is kept of a job. Times are in milliseconds since the epoch. */
export interface KeptJob {
  readonly name: string;
  /** The schedule that the times belong to. */
  readonly plan: string;
  /** When it was first scheduled. Periods count from here. */
  readonly since: number;
  /** The last time that was run for, or dropped. */
  readonly last?: number;
  readonly paused?: boolean;
  /** The run in progress: the time that it runs for, and how often it has been begun. */
  readonly claim?: Claim & { readonly at: number; readonly tries: number };
  readonly run?: LastRun;
}

/** What is kept of a plugin's jobs and queues. */
export interface KeptPlugin {
  readonly jobs: readonly KeptJob[];
  /** Names of queues that are paused. */
  readonly paused: readonly string[];
}

/** What is kept of a task. */
export interface KeptTask extends Pick<PushSpec, 'backOff' | 'retries' | 'task'> {
  readonly key?: string;
  readonly bytes: number;
  readonly pushed: number;
  readonly due: number;
  /** Milliseconds from when that was decided. Absent in what earlier releases have kept. */
  readonly wait?: number;
  /** Attempts that have been begun. */
  readonly attempts: number;
  readonly claim?: Claim;
  readonly dead?: { readonly at: number; readonly error: Failure };
}

/** The place of a task. */
export interface TaskPlace {
  readonly plugin: string;
  readonly queue: string;
  readonly id: string;
}

/** Everything that the extension keeps. */
export interface Kept {
  readonly plugins: Documents<KeptPlugin>;
  readonly tasks: Documents<KeptTask>;
}

/** Opens what is kept. */
export function openKept(port: Pick<JobsPort, 'documents' | 'log'>): Kept {
  return {
    plugins: port.documents.open<KeptPlugin>({
      name: 'schedule',
      per: 'plugin',
      version: 1,
      parse: (value) => {
        const { jobs, paused } = (value ?? {}) as Partial<KeptPlugin>;
        if (!Array.isArray(jobs) || !Array.isArray(paused)) throw new Error('it has no jobs');
        return value as KeptPlugin;
      },
      // A damaged file must not keep a plugin from its jobs for good.
      damaged: (plugin, error) => {
        port.log.error(`what was known of the jobs of ${plugin} is damaged: they start over`, {
          plugin,
          error: error.message,
        });
        return { jobs: [], paused: [] };
      },
    }),
    tasks: port.documents.open<KeptTask>({
      name: 'tasks',
      per: 'plugin',
      version: 1,
      parse: (value) => {
        const { due, attempts, bytes } = (value ?? {}) as Partial<KeptTask>;
        if (typeof due !== 'number' || typeof attempts !== 'number' || typeof bytes !== 'number')
          throw new Error('it is no task');
        return value as KeptTask;
      },
    }),
  };
}

/**
 * The id of a task's document. The plugin comes first, as documents about it are listed by it, and
 * last, as they are purged by it.
 */
export const documentOf = ({ plugin, queue, id }: TaskPlace): string =>
  [plugin, queue, id, plugin].join('\0');

/** The place of a task by the id of its document. */
export function placeOf(document: string): TaskPlace | undefined {
  const [plugin, queue, id, owner] = document.split('\0');
  return plugin === undefined || queue === undefined || id === undefined || owner !== plugin
    ? undefined
    : { plugin, queue, id };
}

/**
 * The error for something that has no room.
 *
 * @param what like `the queue 'mail' of com.example.mail`.
 */
export const full = (plugin: string, what: string, limit: string, most: number): Error =>
  createError('storage/quota', `${what} has no room: limits.${limit} of jobs() is ${most}`, {
    plugin,
    details: { limit, max: most },
  });
