/** Activates plugins on request: dependencies first, and again when one went meanwhile. */
import { createError, type PluginError } from '@plinth/sdk/contract';
import { Semaphore } from '../concurrency.js';
import type { Plugin, Wanted } from '../plugin/plugin.js';
import {
  asResolved,
  isAsleep,
  type PluginRecord,
  type ResolvedPlugin,
  type SuspendedPlugin,
} from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Core } from './core.js';
import { gone, illegal, isOwnFailure } from './failures.js';
import { answer, ask, leavePauses } from './intents.js';
import type { NeedStarts } from './need-starts.js';
import type { Starter } from './starter.js';
import { resume, resumed } from './suspend.js';
import { Undoing } from './undoing.js';

/** How often an operation retries when a dependency changed while it waited for its turn. */
const MAX_TRIES = 10;

/** Owns the activations in progress. */
export class Activation {
  readonly #core: Core;
  readonly #starter: Starter;
  readonly #needs: NeedStarts;
  readonly #slots: Semaphore;

  constructor(core: Core, starter: Starter, needs: NeedStarts) {
    this.#core = core;
    this.#needs = needs;
    this.#starter = starter;
    this.#slots = new Semaphore(core.stages.limits.parallel);
  }

  begin(plugin: Plugin, start: Wanted): Promise<void> {
    if (start.named) plugin.retried = false;
    const run = this.#run(plugin, start);
    plugin.starting = { over: run, asked: start.asked, hurried: false };
    // A named request also waits for resumed dependants, so callers are served in order.
    const resumed = run.then(() => this.#core.reconciler.rest());
    if (start.named) return resumed;
    resumed.catch(() => {});
    return run;
  }

  /**
   * Begins a start by name of a plugin that has failed. What waits for its restart waits for this
   * start, and for the next restart when it fails.
   */
  steer(plugin: Plugin, start: Wanted): Promise<void> {
    const { supervisor } = this.#core;
    supervisor.steered(plugin);
    const begun = this.begin(plugin, start);
    plugin.starting?.over.then(
      () => supervisor.steeredWell(plugin),
      () => supervisor.steeredInVain(plugin),
    );
    return begun;
  }

  /**
   * Something waits for a start that may hold a parallel slot itself. The start takes none then,
   * and neither do those of its needs.
   */
  hurry(plugin: Plugin): void {
    const { starting, record } = plugin;
    if (starting === undefined || starting.hurried) return;
    starting.hurried = true;
    this.#slots.admit(plugin);
    if (!('dependencies' in record)) return;
    for (const chosen of record.dependencies)
      for (const { key } of this.#core.relations.standby.startable(record, chosen)) {
        const needed = this.#core.registry.plugin(key);
        if (needed !== undefined) this.hurry(needed);
      }
  }

  /** Begins the start of a plugin that crashed. Supervision hears what comes of it. */
  restart(plugin: Plugin): void {
    const { supervisor } = this.#core;
    const { restart } = plugin.intent;
    if (restart === undefined) return;
    restart.begun = true;
    // A later word on the plugin may drop the restart, and a crash may plan its next try.
    const isStill = () => plugin.intent.restart === restart && restart.begun;
    const trying = this.#startAgain(plugin);
    if (trying === undefined) return supervisor.notRestarted(plugin);
    trying.then(
      () => {
        if (isStill()) supervisor.restarted(plugin);
      },
      (error: unknown) => {
        if (!isStill()) return;
        const { record } = plugin;
        const stage = record.state === 'failed' ? record.stage : 'run';
        supervisor.notRestarted(plugin, { error, own: isOwnFailure(stage, error) });
      },
    );
  }

  /** Undefined when there is nothing to start any more. */
  #startAgain(plugin: Plugin): Promise<void> | undefined {
    const { record, starting } = plugin;
    // Another version has taken its key.
    if (this.#core.registry.plugin(record.key) !== plugin) return undefined;
    if (starting !== undefined) return starting.over;
    if (record.state === 'active' || record.state === 'suspended') return Promise.resolve();
    if (record.state === 'failed')
      return this.begin(plugin, {
        activatedBy: 'restart',
        named: false,
        asked: this.#core.word(),
      });
    return undefined;
  }

  /** One activation, its dependencies included. No request joins it once its outcome is known. */
  async #run(plugin: Plugin, start: Wanted): Promise<void> {
    try {
      await this.#bringUp(plugin, start);
      plugin.starting = undefined;
    } catch (error) {
      plugin.starting = undefined;
      this.#letDown(plugin, error as Error);
      this.#core.reconciler.changed(plugin);
      throw error;
    }
  }

  /** Rejects what waits for a plugin that can't start. A sleeping one keeps state and events. */
  #letDown({ record, mailbox, intent }: Plugin, error: Error): void {
    const { log, announce } = this.#core.reporting;
    if (isAsleep(record)) {
      log.write('kernel', 'error', `could not wake ${record.id}: ${error.message}`, {
        plugin: record.id,
        ...withOrigin(error),
      });
      mailbox.fail(error);
      announce('plugin:wake-failed', {
        ...this.#core.ledger.fact(record),
        code: String((error as Partial<PluginError>).code),
        message: error.message,
      });
    } else if (record.state === 'resolved') mailbox.fail(error);
    else if (intent.restart === undefined) this.#core.listening.stop(record.key, error);
  }

  /** Activates dependencies, then the plugin. Retries when a dependency stopped in between. */
  async #bringUp(plugin: Plugin, start: Wanted): Promise<void> {
    const { key } = plugin.record;
    for (let tries = 1; ; tries++) {
      const record = this.#core.ledger.require(key);
      this.#core.checkEnabled(record);
      // Only a request resumes a plugin that was suspended by request.
      if (record.state === 'suspended' && isPaused(plugin) && !start.named) return;
      if (record.state !== 'active')
        await this.#needs.start(
          record.state === 'suspended' ? asResolved(record) : startable(record),
          plugin.starting?.hurried === true ? { ...start, together: false } : start,
        );
      const missing = await this.#ask(plugin, start);
      if (missing === undefined) return;
      const now = this.#core.ledger.require(key);
      if (tries === MAX_TRIES)
        throw this.#needs.missing(
          now.state === 'suspended' ? asResolved(now) : startable(now),
          missing,
        );
    }
  }

  /** Resolves to undefined when the plugin is active, or to the dependency that isn't any more. */
  #ask(plugin: Plugin, start: Wanted): Promise<string | undefined> {
    return ask(plugin, 'wantedBy', start, () => this.#core.reconciler.asked(plugin));
  }

  /** Does what was asked for last, in whatever state the plugin is now. */
  take(plugin: Plugin): Promise<void> {
    return answer(plugin, 'wantedBy', async (wanted) => {
      const record = this.#core.ledger.require(plugin.record.key);
      if (this.#core.stopped) throw hasStopped(record.id);
      if (record.state === 'active') return undefined;
      if (wanted.asked < plugin.intent.stoppedAt) {
        // A later stop has taken the place of this start.
        if (wanted.named) return undefined;
        throw gone(record.id);
      }
      this.#core.checkEnabled(record);
      return record.state === 'suspended' && !isAsleep(record)
        ? this.#resume(plugin, record, wanted)
        : this.#start(plugin, record, wanted);
    });
  }

  /** Starts a plugin that has no guest, or wakes it. */
  async #start(plugin: Plugin, record: PluginRecord, start: Wanted): Promise<string | undefined> {
    const resolved = isAsleep(record) ? asResolved(record) : startable(record);
    const missing = this.#core.relations.missing(resolved);
    if (missing !== undefined) return missing;
    const asleep = isAsleep(record) ? record : undefined;
    plugin.waking = asleep !== undefined;
    const work = () =>
      this.#starter.start(plugin, resolved, start, asleep).finally(() => (plugin.waking = false));
    return start.together === true && plugin.starting?.hurried !== true
      ? this.#slots.run(work, plugin)
      : work();
  }

  /** Lets a paused plugin go on. */
  async #resume(
    plugin: Plugin,
    record: SuspendedPlugin,
    { named }: Wanted,
  ): Promise<string | undefined> {
    const { relations, stages, ledger } = this.#core;
    // A request may have suspended the plugin while this waited for its turn.
    if (isPaused(plugin) && !named) return undefined;
    const lost = relations.lost(record);
    if (lost !== undefined) return lost;
    const undo = new Undoing(stages.steps);
    await undo.before('resume', record);
    const mayRun = () => relations.lost(record) === undefined;
    const resuming = this.#core.hook(record, 'resume', resume(record, mayRun, stages));
    if (await undo.unless(resuming)) {
      leavePauses(plugin);
      ledger.advance(resumed(record, stages), 'plugin:resumed');
      return undefined;
    }
    await undo.run();
    return relations.lost(record);
  }
}

/** Whether anything but a need pauses a plugin. */
const isPaused = ({ intent }: Plugin): boolean => intent.pausedBy.size > 0;

/** What a plugin starts from, or the reason why it can't start. */
function startable(record: PluginRecord): ResolvedPlugin {
  if (record.state === 'resolved') return record;
  if (record.state === 'unloaded') return asResolved(record);
  if (record.state === 'failed') {
    // A plugin that no longer resolves has nothing to start from, whatever it had before.
    if (record.previous.state === 'resolved' && record.stage !== 'resolve') return record.previous;
    throw record.error;
  }
  if (record.state === 'denied') throw record.error;
  throw illegal(record, 'activate');
}

const hasStopped = (id: string): PluginError =>
  createError('kernel/stopped', `cannot activate ${id}: the kernel has stopped`, { plugin: id });
