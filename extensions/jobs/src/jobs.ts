/** `jobs(ctx)`: the schedules and queues of a plugin. */
import type { Call } from '@plinth/sdk';
import { createError, type InferInput, type InferOutput, type Schema } from '@plinth/sdk/contract';
import type { JobSettings } from './contract.js';
import { type Queue, queueOf } from './queue.js';
import { type JobsContext, Runs } from './runs.js';

/** One run of a job, as its handler sees it. */
export interface JobRun {
  readonly name: string;
  /** The time that it runs for, in milliseconds since the epoch. */
  readonly at: number;
  /** Whether that time had passed while the job could not run. */
  readonly missed: boolean;
  readonly by: 'schedule' | 'operator';
  /** Aborts when the time is over or the plugin stops. */
  readonly signal: AbortSignal;
  /** The call that the run is. Calls that are given it end with it. */
  readonly call: Call;
}

/** Runs a job. What it returns is ignored; an error makes the run a failed one. */
export type JobHandler = (run: JobRun) => unknown;

/** A job that is scheduled in code. */
export interface JobOptions extends JobSettings {
  /** Letters, digits and `-`. What is known of the job is kept under it: its last run, a pause. */
  readonly name: string;
}

/** A job with a pattern. */
export interface CronOptions extends JobOptions {
  /** Like `Europe/Berlin`. Default: `UTC`. */
  readonly timeZone?: string;
}

/** A registered handler. It ends with the plugin, too. */
export interface Job {
  readonly name: string;
  dispose(): void;
}

/** The schedules and queues of a plugin. */
export interface PluginJobs {
  /**
   * Runs a handler again and again while the plugin runs, first after one period.
   *
   * @param period milliseconds, or a text like `'90s'`, `'5m'`, `'12h'`, `'1d'`.
   * @throws PluginValidationError `call/invalid-input`; PluginOverloadedError `plugin/over-limit`
   * for more jobs than a plugin may have.
   * @example
   * await every('5m', { name: 'sync' }, async ({ call }) => ctx.needs.feed.load({}, call));
   */
  every(period: number | string, options: JobOptions, handler: JobHandler): Promise<Job>;
  /**
   * Runs a handler at the times of a pattern while the plugin runs.
   *
   * @param pattern minute, hour, day of the month, month and day of the week.
   * @throws as `every`.
   * @example
   * await cron('0 3 * * *', { name: 'digest', timeZone: 'Europe/Berlin' }, sendDigest);
   */
  cron(pattern: string, options: CronOptions, handler: JobHandler): Promise<Job>;
  /**
   * Handles a job whose schedule is in the manifest, under `contributes.jobs`. The plugin is
   * started or woken for it.
   *
   * @throws PluginValidationError `call/invalid-input` for a job that has a handler.
   */
  on(name: string, handler: JobHandler): Job;
  /**
   * A durable queue.
   *
   * @param schema of its tasks: any Standard Schema. It is checked when a task is pushed, and again
   * before it is handled.
   */
  queue<S extends Schema = Schema<unknown>>(
    name: string,
    schema?: S,
  ): Queue<InferInput<S>, InferOutput<S>>;
}

/**
 * The schedules and queues of a plugin. The application runs them with `jobs()` of
 * `@plinth/jobs/host`.
 *
 * The manifest asks for `permissions.commands.execute: ["plinth.jobs:*"]`.
 *
 * @example
 * export default definePlugin({
 *   async activate(ctx) {
 *     const { every, queue } = jobs(ctx);
 *     const mail = queue('mail', v.object({ to: v.string() }));
 *     await mail.work(async ({ to }, { call }) => send(to, call), { concurrency: 4 });
 *     await every('1h', { name: 'remind' }, () => mail.push({ to: 'ada@example.com' }));
 *   },
 * });
 */
export function jobs(ctx: JobsContext): PluginJobs {
  const runs = new Runs(ctx);
  const handle = (name: string, handler: JobHandler): Job => {
    if (typeof handler !== 'function')
      throw createError('call/invalid-input', `the handler of the job '${name}' is no function`);
    if (runs.jobs.has(name))
      throw createError('call/invalid-input', `the job '${name}' has a handler already`);
    runs.jobs.set(name, ({ job, at, missed, by }, call) =>
      handler({ name: job, at, missed, by, signal: call.signal, call }),
    );
    return { name, dispose: () => void runs.jobs.delete(name) };
  };
  const schedule = async (
    what: Readonly<Record<string, unknown>>,
    options: JobOptions,
    handler: JobHandler,
  ): Promise<Job> => {
    const { name } = options ?? {};
    const handled = handle(name, handler);
    try {
      await runs.attach();
      await runs.ask('schedule', { ...options, ...what });
    } catch (error) {
      handled.dispose();
      throw error;
    }
    return {
      name,
      dispose() {
        if (!runs.jobs.has(name)) return;
        handled.dispose();
        // A plugin that stops can't ask any more, and then needn't.
        runs.ask('unschedule', { name }).catch(() => {});
      },
    };
  };
  return {
    every: (period, options, handler) => schedule({ every: period }, options, handler),
    cron: (pattern, options, handler) => schedule({ cron: pattern }, options, handler),
    on(name, handler) {
      const handled = handle(name, handler);
      // It has logged why when it fails.
      runs.attach().catch(() => {});
      return handled;
    },
    queue: (name, schema) => queueOf(runs, name, schema),
  };
}
