/** `kernel.extension(jobs)`. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { DeadTask, Pushed, PushOptions, QueueCounts } from './contract.js';
import type { Declared } from './declared.js';
import { type JobInfo, jobInfo, problemInfo, type QueueInfo } from './info.js';
import type { Scheduled } from './job-book.js';
import { readId, readName, readPush, refusing } from './read.js';
import type { ServiceParts } from './service.js';

/** A queue of a plugin, for the application. */
export interface HostQueue {
  /** Adds a task. When it resolves, the storage has it. @throws as the plugin's `push`. */
  push(task: unknown, options?: PushOptions): Promise<Pushed>;
  counts(): Promise<QueueCounts>;
  /** Begins no further tasks until `resume`, after a restart, too. Tasks can be pushed. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Tasks that have failed for good, the oldest first. */
  dead(): Promise<readonly DeadTask[]>;
  /** Lets a dead task be tried again, with all its retries. False: there is no such task. */
  retry(id: string): Promise<boolean>;
  /** Deletes a task that isn't running. False: there is no such task. */
  drop(id: string): Promise<boolean>;
}

/** `kernel.extension(jobs)`: the jobs and queues of one tenant. */
export interface HostJobs {
  /** The jobs of all plugins, or of one. */
  list(plugin?: string): Promise<readonly JobInfo[]>;
  /**
   * Runs a job now, whether it is paused or not, and waits for its end. A run in progress is awaited
   * instead.
   *
   * @throws what the run throws; PluginUnavailableError `plugin/not-found` for an unknown job,
   * `plugin/unavailable` when the plugin doesn't run and can't be started.
   */
  run(plugin: string, job: string): Promise<void>;
  /** Lets no times of a job count until `resume`, after a restart, too. */
  pause(plugin: string, job: string): Promise<void>;
  resume(plugin: string, job: string): Promise<void>;
  /** The queues of all plugins, or of one, that have tasks or are handled. */
  queues(plugin?: string): Promise<readonly QueueInfo[]>;
  /** @throws PluginValidationError `call/invalid-input` for a name that is none. */
  queue(plugin: string, queue: string): HostQueue;
}

const shown = (value: unknown): string => messageOf(value).slice(0, 128);

const PLUGIN_ID = /^[a-z][a-z0-9.-]{0,127}$/;

/** Makes the API of one tenant. */
export function apiOf(all: ServiceParts, declared: Declared): HostJobs {
  const { scheduler, queues, tasks } = all;
  const jobOf = (plugin: string, name: string): Scheduled => {
    const [id, asked] = [shown(plugin), shown(name)];
    const job = scheduler.get(id, asked);
    if (job !== undefined) return job;
    throw createError('plugin/not-found', `${id} has no job '${asked}' that is scheduled now`, {
      plugin: id,
      details: { job: asked },
    });
  };
  const only =
    (plugin: string | undefined) =>
    (one: { readonly plugin: string }): boolean =>
      plugin === undefined || one.plugin === plugin;
  return {
    async list(plugin) {
      const scheduled = scheduler.all().map((job) => jobInfo(job, scheduler.next(job)));
      const problems = [...declared.problems.values()].map(problemInfo);
      return [...scheduled, ...problems].filter(only(plugin));
    },
    run: async (plugin, name) => scheduler.runNow(jobOf(plugin, name)),
    pause: async (plugin, name) => scheduler.setPaused(jobOf(plugin, name), true),
    resume: async (plugin, name) => scheduler.setPaused(jobOf(plugin, name), false),
    async queues(plugin) {
      await queues.known();
      const now = Date.now();
      const handled = queues
        .handled()
        .filter((one) => tasks.find(one.plugin, one.queue) === undefined);
      return [...tasks.all(), ...handled].filter(only(plugin)).map((one) => {
        const box = tasks.find(one.plugin, one.queue);
        return {
          plugin: one.plugin,
          queue: one.queue,
          ...tasks.counts(box, now),
          paused: box?.paused === true,
          handled: queues.workerOf(one) !== undefined,
        };
      });
    },
    queue: (plugin, name) => queueOf(all, plugin, name),
  };
}

function queueOf(
  { queues, tasks, settings, pulse }: ServiceParts,
  plugin: string,
  name: string,
): HostQueue {
  const wrong = refusing(shown(plugin));
  if (typeof plugin !== 'string' || !PLUGIN_ID.test(plugin))
    wrong('plugin', 'is no id of a plugin');
  const queue = readName(name, 'queue', wrong);
  const box = () => queues.find(plugin, queue);
  const setPaused = async (paused: boolean) => {
    await tasks.loaded();
    await tasks.setPaused(tasks.box(plugin, queue), paused);
    pulse.wake();
  };
  return {
    async push(task, options = {}) {
      if (Object(options) !== options) wrong('options', 'are an object');
      const pushed = await tasks.push(
        plugin,
        readPush({ ...options, queue, task }, settings.limits, wrong),
      );
      pulse.wake();
      return pushed;
    },
    counts: async () => tasks.counts(await box(), Date.now()),
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    dead: async () => tasks.dead(await box()),
    async retry(id) {
      const again = await tasks.retry(await box(), readId(id, wrong));
      pulse.wake();
      return again;
    },
    drop: async (id) => tasks.drop(await box(), readId(id, wrong)),
  };
}
