/** The life of a tenant: it opens, starts, and stops, each at most once. */
import {
  createError,
  DEFAULT_TENANT,
  ERROR_CODES,
  type ErrorCode,
  messageOf,
  type PluginError,
} from '@plinth/sdk/contract';
import type { KernelHealth } from '../api/health.js';
import type { ConfigStore } from '../config/config-store.js';
import type { ExtensionHost } from '../extension/extending.js';
import { inTime } from '../in-time.js';
import type { Lazy } from '../lazily.js';
import type { Arrivals } from '../lifecycle/arrivals.js';
import type { Drain } from '../lifecycle/drain.js';
import type { Base } from './base.js';
import type { Engine } from './engine.js';
import type { MadeExchange } from './exchange.js';
import type { Parts } from './parts.js';
import type { Shared } from './shared.js';

/** What a tenant's life consists of. */
export interface PhaseParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly extending: ExtensionHost;
  readonly engine: Lazy<Engine>;
  readonly arrivals: Arrivals;
  readonly made: MadeExchange;
  readonly settings: ConfigStore;
  readonly parts: Parts;
  /** What has to finish before the tenant opens: the stop of an earlier one with the same id. */
  readonly before: Promise<void> | undefined;
}

/** Owns the promises of the phases, and what they have come to. */
export class Phases {
  readonly #parts: PhaseParts;
  #opened: Promise<void> | undefined;
  #opening = false;
  #starting: Promise<void> | undefined;
  #running = false;
  #failed: { readonly error: unknown } | undefined;
  #stopping: Promise<void> | undefined;
  /** Whether new work is refused, and whether every plugin has stopped. */
  #draining = false;
  #stopped = false;

  constructor(parts: PhaseParts) {
    this.#parts = parts;
  }

  /** Settles when the installed plugins are known. Undefined when that has not begun. */
  get opened(): Promise<void> | undefined {
    return this.#opened;
  }

  /** Whether opening is in progress, or has failed. */
  get isOpening(): boolean {
    return this.#opening;
  }

  get hasStarted(): boolean {
    return this.#starting !== undefined;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  get hasStopped(): boolean {
    return this.#stopped;
  }

  get state(): KernelHealth['state'] {
    if (this.#stopping !== undefined) return this.#stopped ? 'stopped' : 'stopping';
    if (this.#starting === undefined) return 'new';
    if (this.#failed !== undefined) return 'failed';
    return this.#running ? 'running' : 'starting';
  }

  /** The problem that keeps the tenant itself from working. */
  get problem(): PluginError | undefined {
    if (this.#stopping !== undefined) return hasStopped();
    if (this.#starting === undefined)
      return createError('kernel/stopped', 'the kernel has not been started: call start()');
    return this.#failed && couldNotStart(this.#failed.error);
  }

  /** @throws PluginUnavailableError `kernel/stopped`. */
  check = (): void => {
    if (this.#stopped) throw hasStopped();
    if (this.#draining)
      throw createError('kernel/stopped', 'the kernel is stopping: it takes no new calls');
  };

  async open(): Promise<void> {
    if (this.#stopping !== undefined) throw hasStopped();
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) throw hasStopped();
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#failed = { error };
      throw error;
    });
    return this.#starting;
  }

  stop(drain: Drain): Promise<void> {
    this.#stopping ??= this.#stop(drain);
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const { base, engine, arrivals, extending } = this.#parts;
    this.#opened ??= this.#open();
    // In one turn with what waits for it: calls expect the plugins of `startup` to come.
    await this.#opened;
    this.#checkWanted();
    await arrivals.startUp();
    this.#checkWanted();
    engine.now?.inventory.started();
    this.#running = true;
    await extending.run('started');
    void this.#tellUnheard();
    const records = base.registry.all();
    const count = (state: string) => records.filter((record) => record.state === state).length;
    base.reporting.announce('kernel:started', {
      plugins: records.length,
      active: count('active'),
      failed: count('failed'),
    });
  }

  /** Callers of start() rely on what it has started. When stop() came in between, nothing runs. */
  #checkWanted(): void {
    if (this.#stopping !== undefined)
      throw createError(
        'kernel/stopped',
        'the kernel was stopped before it had started: make a new one',
      );
  }

  async #open(): Promise<void> {
    this.#opening = true;
    try {
      await this.#findPlugins();
    } catch (error) {
      // The plugins stay unknown, and with them what guards calls and events.
      this.#parts.made.guards.close(couldNotStart(error));
      throw error;
    }
  }

  async #findPlugins(): Promise<void> {
    const { base, shared, before, extending, arrivals, made } = this.#parts;
    const loading = this.#parts.engine.get();
    loading.catch(() => {});
    // Its own owner has heard what failed in it.
    await before?.catch(() => {});
    await extending.open();
    await arrivals.first();
    const engine = await loading;
    const { inventory, lifecycle } = engine;
    await engine.settings.open();
    // Time-outs of grants that passed meanwhile are recorded.
    await engine.security.grants.open();
    const { packages, problems } = arrivals.found(this.#opened as Promise<void>);
    for (const problem of problems) lifecycle.members.report(problem);
    await inventory.open(engine.taken(packages));
    if (base.tenant === DEFAULT_TENANT) {
      const keys = new Set(base.registry.all().map(({ key }) => key));
      shared.packages.now?.snapshots.sweep(keys).catch(() => {});
    }
    this.#opening = false;
    made.exchange.chains.review();
  }

  /** Reports settings without a plugin as probable mistakes, once all plugins are known. */
  async #tellUnheard(): Promise<void> {
    const { arrivals, settings, base } = this.#parts;
    while (await arrivals.moreToCome());
    if (this.#stopping === undefined)
      for (const problem of settings.problems())
        base.reporting.log.write('kernel', 'warn', problem);
  }

  async #stop(drain: Drain): Promise<void> {
    const { base, engine, arrivals, extending, made, parts } = this.#parts;
    const { announce } = base.reporting;
    this.#draining = true;
    made.guards.close();
    engine.now?.release();
    arrivals.close();
    const failures: unknown[] = [];
    /** What fails or hangs must not keep the rest from ending. */
    const step = async (what: string, work: () => unknown, time = base.limits.open) => {
      try {
        const working = Promise.resolve().then(work);
        await inTime(working, time, `${what} did not end within ${time} ms`);
      } catch (error) {
        failures.push(error);
        base.reporting.log.write('kernel', 'error', `could not stop ${what}: ${messageOf(error)}`);
      }
    };
    const { load, activate, open } = base.limits;
    await step(
      'the start',
      () => Promise.allSettled([this.#opened, this.#starting, engine.begun]),
      load + activate + open,
    );
    await extending.run('stopping');
    await engine.now?.lifecycle.drain(drain);
    await step('the settings', () => engine.now?.settings.close());
    await step('the grants', () => engine.now?.security.grants.close());
    await step('the installer', () => engine.now?.inventory.close());
    await engine.now?.lifecycle.stop();
    this.#stopped = true;
    await extending.end();
    announce('kernel:stopped', {});
    await step('the extensions', () => parts.close());
    await step('the registry', () => engine.now?.inventory.end());
    base.bus.close();
    if (failures.length > 0) throw failures[0];
  }
}

const couldNotStart = (error: unknown): PluginError => {
  const { code } = Object(error) as Partial<PluginError>;
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
  return createError(
    known ? (code as ErrorCode) : 'kernel/stopped',
    `the kernel could not start: ${messageOf(error)}`,
    { cause: error },
  );
};

/** The error for what comes after the end. */
export const hasStopped = (): PluginError =>
  createError('kernel/stopped', 'the kernel has stopped: make a new one');
