/**
 * `@plinth/jobs/host`: runs the schedules and queues of plugins.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import { DEFAULT_TENANT, randomMark } from '@plinth/sdk/contract';
import { apiOf, type HostJobs } from './api.js';
import { Jobs } from './contract.js';
import { Declared } from './declared.js';
import { Guests } from './guests.js';
import { jobInfo } from './info.js';
import { openKept } from './kept.js';
import { type JobsOptions, type Settings, settingsOf } from './options.js';
import { type JobsPort, STATICS } from './port.js';
import { Pulse } from './pulse.js';
import { Queues } from './queues.js';
import { Scheduler } from './scheduler.js';
import { type ServiceParts, serviceOf } from './service.js';
import { Tasks } from './tasks.js';

export type { HostJobs, HostQueue } from './api.js';
export type { DeadTask, Pushed, PushOptions, QueueCounts } from './contract.js';
export type { JobInfo, QueueInfo } from './info.js';
export type { LastRun } from './kept.js';
export type { JobsLimits, JobsOptions } from './options.js';

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
  guests.onSwept = (plugin) => {
    scheduler.sweep(plugin);
    queues.sweep(plugin);
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
    if (settings.tenants !== 'only' || port.tenant !== DEFAULT_TENANT) await declared.start();
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
