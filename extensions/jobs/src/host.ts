/**
 * `@plinth/jobs/host`: runs the schedules and queues of plugins.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import { createError, randomMark } from '@plinth/sdk/contract';
import {
  type DeadTask,
  Jobs,
  type Pushed,
  type PushOptions,
  type QueueCounts,
} from './contract.js';
import { Declared } from './declared.js';
import { Guests } from './guests.js';
import { type JobInfo, jobInfo, problemInfo, type QueueInfo } from './info.js';
import type { Scheduled } from './job-book.js';
import { openKept } from './kept.js';
import { type JobsOptions, type Settings, settingsOf } from './options.js';
import { type JobsPort, STATICS } from './port.js';
import { Pulse } from './pulse.js';
import { Queues } from './queues.js';
import { readId, readName, readPush, refusing } from './read.js';
import { Scheduler } from './scheduler.js';
import { type ServiceParts, serviceOf } from './service.js';
import { Tasks } from './tasks.js';

export type { DeadTask, Pushed, PushOptions, QueueCounts } from './contract.js';
export type { JobInfo, QueueInfo } from './info.js';
export type { LastRun } from './kept.js';
export type { JobsLimits, JobsOptions } from './options.js';

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

/**
 * Runs the schedules and queues of plugins: those that `jobs(ctx)` of `@plinth/jobs` makes, and
 * those of manifests under `contributes.jobs` and `contributes.queues`.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', storage, extensions: [jobs()] });
 * await kernel.start();
 * for (const { plugin, name, next } of await kernel.extension(jobs).list())
 *   console.log(plugin, name, next && new Date(next));
 */
export const jobs = defineExtension(STATICS, (options: JobsOptions = {}) => {
  const settings = settingsOf(options);
  return { install: (port) => install(port, settings) };
});

function install(port: JobsPort, settings: Settings): HostJobs {
  const kept = openKept(port);
  const guests = new Guests(port, settings.limits.runs);
  const pulse = new Pulse(port);
  const parts = { port, settings, kept, guests, pulse, self: randomMark() };
  const tasks = new Tasks(parts);
  const scheduler = new Scheduler(parts);
  const queues = new Queues(parts, tasks);
  const declared = new Declared(port, settings, scheduler, queues);
  const all = { ...parts, tasks, scheduler, queues };
  guests.onSwept = (plugin, live) => {
    scheduler.sweep(plugin, live);
    queues.sweep(plugin, live);
  };
  pulse.add(scheduler);
  pulse.add(queues);
  port.provide(Jobs, serviceOf(all));
  port.transition(['activate', 'resume'], { after: () => scheduler.changed() });
  port.events.on('plugin:uninstalled', ({ id, purged }) => {
    if (purged === true) tasks.forget(id);
  });
  port.inspect({ diagnostics: () => diagnosticsOf(all) });
  port.on('started', async () => {
    // What can't be read now is read when it is asked for.
    await tasks.loaded().catch((error: Error) => port.log.error(`no tasks: ${error.message}`));
    await declared.start();
    pulse.start();
  });
  port.on('stopping', async () => {
    pulse.stop();
    declared.stop();
    scheduler.stop();
    queues.stop();
    await inTime(port, Promise.all([scheduler.idle(), queues.idle()]));
    await Promise.all([scheduler.end(), queues.end()]);
  });
  // A kernel that could not start has heard of no stop.
  port.own(async () => {
    pulse.stop();
    await Promise.all([scheduler.end(), queues.end()]);
  });
  return apiOf(all, declared);
}

function apiOf(
  { scheduler, queues, tasks, settings, pulse }: ServiceParts,
  declared: Declared,
): HostJobs {
  const jobOf = (plugin: string, name: string): Scheduled => {
    const job = scheduler.get(plugin, name);
    if (job !== undefined) return job;
    throw createError('plugin/not-found', `${plugin} has no job '${name}' that is scheduled now`, {
      plugin,
      details: { job: name },
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
      await tasks.loaded();
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
    queue(plugin, name) {
      const wrong = refusing(String(plugin).slice(0, 128));
      const queue = readName(name, 'queue', wrong);
      const box = async () => {
        await tasks.loaded();
        return tasks.find(plugin, queue);
      };
      const setPaused = async (paused: boolean) => {
        await tasks.loaded();
        await tasks.setPaused(tasks.box(plugin, queue), paused);
        pulse.wake();
      };
      return {
        async push(task, options = {}) {
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
    },
  };
}

function diagnosticsOf({ scheduler, tasks }: ServiceParts): unknown {
  const now = Date.now();
  return {
    jobs: scheduler.all().map((job) => jobInfo(job, scheduler.next(job))),
    queues: tasks
      .all()
      .map((box) => ({ plugin: box.plugin, queue: box.queue, ...tasks.counts(box, now) })),
  };
}

/** Waits for work to end, for as long as a swap may take. */
async function inTime(
  port: Pick<JobsPort, 'after' | 'limits'>,
  work: Promise<unknown>,
): Promise<void> {
  let late: { dispose(): void } | undefined;
  const over = new Promise<void>((resolve) => {
    late = port.after(port.limits.swap, resolve);
  });
  await Promise.race([work, over]);
  late?.dispose();
}
