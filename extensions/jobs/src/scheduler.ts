/** Runs the jobs of a tenant at their times. */
import { createError } from '@plinth/sdk/contract';
import { choose } from './choose.js';
import type { JobRequest } from './contract.js';
import { NotRun } from './guests.js';
import {
  changeJob,
  checkRoom,
  claimOf,
  isAhead,
  keepJob,
  liveOf,
  lookAgain,
  nextOf,
  type Parts,
  renewClaim,
  type Scheduled,
} from './job-book.js';
import type { KeptJob, LastRun } from './kept.js';
import { isHeld, keepClaim } from './lease.js';
import { failureOf } from './port.js';
import type { Beating } from './pulse.js';
import { type JobSpec, refusing } from './read.js';
import { timesOf } from './times.js';

/** Milliseconds before a plugin that could not be started is tried again. */
const REST = 10_000;
/** Milliseconds before a run is begun again whose plugin stopped in the same moment. */
const SOON = 1_000;

/** Owns the jobs of a tenant. */
export class Scheduler implements Beating {
  readonly #parts: Parts;
  readonly #jobs = new Map<string, Scheduled>();
  /** All runs in progress, also of jobs that are scheduled no longer. */
  readonly #runs = new Map<AbortController, Promise<void>>();
  #stopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  all(): readonly Scheduled[] {
    return [...this.#jobs.values()];
  }

  get(plugin: string, name: string): Scheduled | undefined {
    return this.#jobs.get(keyOf(plugin, name));
  }

  /**
   * Schedules a job.
   *
   * @param token of the guest that asks. Undefined for a job of the manifest.
   * @throws PluginValidationError `call/invalid-input` for a pattern that is none;
   * PluginOverloadedError `plugin/over-limit`; what the storage throws.
   */
  async add(plugin: string, spec: JobSpec, token: string | undefined): Promise<void> {
    const wrong = refusing(plugin);
    const { name, plan } = spec;
    const before = this.get(plugin, name);
    if (before !== undefined && before.token === undefined && token !== undefined)
      wrong('name', `'${name}' is a job of the manifest: handle it with on('${name}', …)`);
    if (before === undefined) checkRoom(this.#parts, this.all(), plugin);
    const badPlan = (error: Error) =>
      wrong('cron', `can't be used: ${error.message.slice(0, 300)}`);
    await timesOf(plan, 0).catch(badPlan);
    const kept = await keepJob(this.#parts, plugin, spec);
    const times = await timesOf(plan, kept.since);
    // Others that asked meanwhile are counted.
    const now = this.get(plugin, name);
    if (now === undefined) checkRoom(this.#parts, this.all(), plugin);
    const runs = now?.runs ?? new Map();
    const under = liveOf(this.#parts, now, token);
    const job = { plugin, spec, token, times, kept, runs, beginning: false, rest: 0, under };
    this.#jobs.set(keyOf(plugin, name), job);
    this.#parts.pulse.wake();
  }

  /** Ends the schedule of a job. What is known of it stays. */
  remove(plugin: string, name: string, token: string | undefined): void {
    if (this.get(plugin, name)?.token === token) this.#jobs.delete(keyOf(plugin, name));
  }

  /** Ends what guests of a plugin have scheduled that are gone. */
  sweep(plugin: string): void {
    for (const [key, job] of this.#jobs) {
      if (job.plugin !== plugin || job.token === undefined) continue;
      const left = liveOf(this.#parts, job, undefined);
      if (left === undefined) this.#jobs.delete(key);
      else if (left !== job) this.#jobs.set(key, Object.assign(left, { kept: job.kept }));
    }
  }

  /** Plugins have changed: those that rested may be tried. */
  changed(): void {
    for (const job of this.#jobs.values()) job.rest = 0;
    this.#parts.pulse.wake();
  }

  nextDue(): number | undefined {
    const due = this.all().flatMap((job) => this.#dueAt(job) ?? []);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  tick(now: number): void {
    for (const job of this.all()) {
      if (this.#setRight(job, now)) continue;
      const due = this.#dueAt(job);
      if (due === undefined || due > now) continue;
      job.beginning = true;
      void this.#begin(job, now)
        .catch((error: unknown) => {
          job.rest = now + REST;
          this.#tell(job, "can't begin", error);
        })
        .finally(() => {
          job.beginning = false;
          this.#parts.pulse.wake();
        });
    }
  }

  /** Schedules a job again whose times are ahead: the clock was set back. No rest is over a minute. */
  #setRight(job: Scheduled, now: number): boolean {
    job.rest = Math.min(job.rest, now + 60_000);
    if (this.#stopping || job.beginning || job.runs.size > 0 || job.rest > now) return false;
    if (!isAhead(job.kept, now)) return false;
    job.rest = now + REST;
    void this.add(job.plugin, job.spec, job.token).catch((error: unknown) =>
      this.#tell(job, "can't be scheduled again", error),
    );
    return true;
  }

  /** Runs a job now. A run in progress is awaited instead. @throws what the run throws. */
  async runNow(job: Scheduled): Promise<void> {
    const [running] = job.runs.values();
    if (running !== undefined) return running;
    const { plugin, spec, token } = job;
    const unavailable = (what: string) =>
      createError('plugin/unavailable', what, { plugin, retryable: true });
    if (!(await this.#parts.guests.ready(plugin, token === undefined)))
      throw unavailable(`${plugin} doesn't run, and can't be started for its job '${spec.name}'`);
    const at = Date.now();
    let held = false;
    await changeJob(this.#parts, job, (kept) => {
      held = !spec.overlap && isHeld(kept.claim, at);
      return held || spec.overlap ? kept : { ...kept, claim: claimOf(this.#parts, at, 1) };
    });
    if (held)
      throw unavailable(`another run of the job '${spec.name}' of ${plugin} is in progress`);
    return this.#run(job, { job: spec.name, at, missed: false, by: 'operator' });
  }

  /** Times that come while a job is paused are dropped. */
  async setPaused(job: Scheduled, paused: boolean): Promise<void> {
    await changeJob(this.#parts, job, (kept) => ({ ...kept, paused, last: Date.now() }));
    job.rest = 0;
    this.#parts.pulse.wake();
  }

  /** The next time that a job runs at, unless it is paused. */
  next(job: Scheduled): number | undefined {
    return job.kept.paused ? undefined : nextOf(job);
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopping = true;
  }

  /** Ends what runs, and resolves when all has been written. */
  async end(): Promise<void> {
    this.stop();
    for (const ending of this.#runs.keys())
      ending.abort(createError('kernel/stopped', 'the kernel stops'));
    await this.idle();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#runs.values());
  }

  #dueAt(job: Scheduled): number | undefined {
    const { spec, kept, runs, plugin, token } = job;
    const { guests } = this.#parts;
    if (this.#stopping || job.beginning) return undefined;
    // Another kernel may have resumed it.
    if (kept.paused) return job.rest;
    if (!spec.overlap && runs.size > 0) return undefined;
    if (!guests.hasRoom(plugin) || !guests.canRun(plugin, token === undefined)) return undefined;
    const { claim } = kept;
    const free = claim !== undefined && isHeld(claim, Date.now()) ? claim.until + 1 : 0;
    const due = claim !== undefined && !spec.overlap ? free : nextOf(job);
    return due === undefined ? undefined : Math.max(due, job.rest);
  }

  async #begin(job: Scheduled, now: number): Promise<void> {
    const { settings, guests } = this.#parts;
    const { spec, plugin, token } = job;
    if (job.kept.paused) return lookAgain(this.#parts, job, now);
    const pick = (kept: KeptJob) => choose(kept, spec, job.times, now, settings.limits.missed);
    // A plugin isn't started for a time that is dropped.
    if (pick(job.kept)?.at !== undefined && !(await guests.ready(plugin, token === undefined))) {
      job.rest = now + REST;
      return;
    }
    let chosen: ReturnType<typeof pick>;
    const found = await changeJob(this.#parts, job, (kept) => {
      const { claim, ...rest } = kept;
      chosen = kept.paused ? undefined : pick(kept);
      // An interrupted run that isn't repeated gives its claim back.
      if (chosen === undefined) return isHeld(claim, now) ? kept : rest;
      const { at, tries, last } = chosen;
      return {
        ...rest,
        ...(last !== undefined && { last }),
        ...(at !== undefined && !spec.overlap && { claim: claimOf(this.#parts, at, tries) }),
      };
    });
    if (!found) this.remove(plugin, spec.name, token);
    const { at, missed = false } = chosen ?? {};
    if (!found || at === undefined || this.#stopping) return;
    void this.#run(job, { job: spec.name, at, missed, by: 'schedule' }).catch(() => {});
  }

  /** Runs a job that is claimed, and keeps how it ended. @throws what the run throws. */
  #run(job: Scheduled, request: JobRequest): Promise<void> {
    const leave = this.#parts.guests.enter(job.plugin);
    const ending = new AbortController();
    const run = this.#attempt(job, request, ending).finally(() => {
      leave();
      job.runs.delete(ending);
      this.#runs.delete(ending);
      this.#parts.pulse.wake();
    });
    job.runs.set(ending, run);
    this.#runs.set(ending, run);
    return run;
  }

  async #attempt(job: Scheduled, request: JobRequest, ending: AbortController): Promise<void> {
    const { port, guests, settings } = this.#parts;
    const { plugin, spec } = job;
    const { at } = request;
    const claimed = spec.overlap
      ? undefined
      : keepClaim(
          port,
          settings.lease,
          () => renewClaim(this.#parts, job, at),
          () =>
            ending.abort(createError('call/cancelled', 'another kernel has taken the run over')),
        );
    const started = performance.now();
    let failure: unknown;
    let ok = true;
    try {
      await guests.run(plugin, request, { timeout: spec.timeout, signal: ending.signal });
    } catch (error) {
      failure = error;
      ok = false;
    } finally {
      claimed?.dispose();
    }
    const took = performance.now() - started;
    const error = failureOf(failure);
    await this.#ended(job, { at, took, ok, ...(!ok && { error }) }, failure);
    if (ok) return;
    if (!(failure instanceof NotRun) && !this.#stopping)
      port.events.emit('jobs:failed', { plugin, job: spec.name, ...error });
    throw failure;
  }

  /** Keeps how a run ended. What was cut off, or has not begun, is left to a next run. */
  async #ended(job: Scheduled, run: LastRun, failure: unknown): Promise<void> {
    const again = failure instanceof NotRun || (this.#stopping && !run.ok);
    if (again) job.rest = Date.now() + SOON;
    try {
      await changeJob(this.#parts, job, (kept) => {
        const { claim, ...rest } = kept;
        const mine = claim?.by === this.#parts.self && claim.at === run.at;
        if (mine && again)
          return { ...kept, claim: { ...claim, until: 0, tries: claim.tries - 1 } };
        return { ...(mine ? rest : kept), run };
      });
    } catch (error) {
      this.#tell(job, 'has ended in a way that could not be kept', error);
    }
  }

  #tell({ plugin, spec }: Scheduled, what: string, thrown: unknown): void {
    const { message: error } = failureOf(thrown);
    this.#parts.port.log.error(`the job '${spec.name}' of ${plugin} ${what}`, { plugin, error });
  }
}

const keyOf = (plugin: string, name: string): string => `${plugin}\0${name}`;
