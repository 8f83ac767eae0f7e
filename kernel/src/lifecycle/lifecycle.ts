/**
 * Advances plugins through their stages. Operations on one plugin run one after the other, and its
 * activation requests share one run. What an operation needs of other plugins happens outside its
 * turn, so two never wait for each other. Plugins are named by their registry keys here.
 */
import type { PluginError, StopReason } from '@plinth/sdk/contract';
import { settleEach } from '../concurrency.js';
import type { Pause, PausedBy, Plugin, Wanted } from '../plugin/plugin.js';
import type { ResolvedPlugin, ValidatedPlugin } from '../plugin/record.js';
import { Activation } from './activation.js';
import { Core, type LifecycleParts } from './core.js';
import { AT_ONCE, type Drain, type DrainOptions, drainAll, drainOf } from './drain.js';
import { Ending } from './ending.js';
import { gone, illegal } from './failures.js';
import { endPauses, overtakePauses } from './intents.js';
import { Members } from './members.js';
import { NeedStarts } from './need-starts.js';
import { Pausing, type Release } from './pausing.js';
import { blameFor, pausedFor } from './reasons.js';
import { reconfigure } from './reconfigure.js';
import { Replacing } from './replacing.js';
import type { Replacement } from './restarting.js';
import { Restarting } from './restarting.js';
import { Starter } from './starter.js';

/** Activations that are explicit requests, as opposed to side effects of events. */
const NAMED: ReadonlySet<string> = new Set(['request', 'startup', 'reload']);

/** The verbs of the kernel and of operators. Each waits until it is done, or says why it is not. */
export class Lifecycle {
  readonly #core: Core;
  readonly #ending: Ending;
  readonly #activation: Activation;
  readonly #pausing: Pausing;
  readonly #replacing: Replacing;
  /** Which plugins there are. */
  readonly members: Members;

  constructor(parts: LifecycleParts) {
    const core = new Core(parts, {
      activate: (key, activatedBy, named) => this.activate(key, activatedBy, named),
      activateNeed: (key, start) => this.#bringUp(this.#core.ledger.plugin(key), start, true),
      reload: (key) => this.reload(key),
      wake: (key, activation) => this.#wake(key, activation),
      end: ({ record }) => this.#ending.end(record.key, 'dependency'),
      actions: {
        isQuiet: (plugin) => this.#ending.isQuiet(plugin),
        isOver: () => this.#core.stopped,
        stop: (plugin) => this.#ending.take(plugin),
        start: (plugin) => this.#activation.take(plugin),
        exchange: (plugin) => this.#replacing.exchanged(plugin),
        replace: (plugin) => this.#replacing.take(plugin),
        restart: (plugin) => this.#activation.restart(plugin),
        pause: (plugin) => this.#pausing.take(plugin),
        hibernate: (plugin) => this.#pausing.hibernate(plugin),
        decline: (plugin) => this.#pausing.decline(plugin),
      },
    });
    this.#core = core;
    this.#ending = new Ending(core);
    this.members = new Members(core, (key, drain) => this.deactivate(key, 'uninstall', drain));
    this.#pausing = new Pausing(core, this.#ending);
    const starter = new Starter(core, this.#ending, this.#pausing);
    const needs = new NeedStarts(core);
    this.#activation = new Activation(core, starter, needs);
    const restarting = new Restarting(core, this.#ending, this.#activation);
    this.#replacing = new Replacing(core, this.#ending, starter, needs, this.#pausing, restarting);
  }

  /** Activates resolved plugins that ask for an activation event. Failures are only recorded. */
  async activateAll(event: string): Promise<void> {
    const wanting = this.#core.registry
      .all()
      .filter(
        (record): record is ResolvedPlugin =>
          record.state === 'resolved' &&
          this.#core.isEnabled(record.key) &&
          record.manifest.activation.includes(event),
      );
    const keys = wanting.sort((a, b) => a.level - b.level).map((record) => record.key);
    // A plugin that already failed as a dependency isn't tried a second time.
    await settleEach(keys, this.#core.stages.limits.parallel, (key) =>
      this.#core.registry.get(key)?.state === 'resolved'
        ? this.#bringUp(this.#core.ledger.plugin(key), {
            activatedBy: event,
            named: NAMED.has(event),
            asked: this.#core.word(),
            together: true,
          })
        : undefined,
    );
  }

  /**
   * Brings a plugin to `active`, dependencies first. Requests during the start share its outcome.
   *
   * @param named whether a request names the plugin, and so its dependencies. Events don't restart
   * a plugin that was stopped by name.
   */
  async activate(
    key: string,
    activatedBy = 'request',
    named = NAMED.has(activatedBy),
  ): Promise<void> {
    const plugin = this.#core.ledger.plugin(key);
    if (named) overtakePauses(plugin);
    return this.#bringUp(plugin, { activatedBy, named, asked: this.#core.word() });
  }

  /**
   * Begins a start, or joins the one in progress. The last word counts: a start undoes no stop by
   * name that came later, and only a request by name undoes an earlier one.
   *
   * @param needed whether another start asks for it, which can't go on without it.
   */
  async #bringUp(plugin: Plugin, start: Wanted, needed = false): Promise<void> {
    const { record, intent, starting, stopping } = plugin;
    if (start.asked < intent.stoppedAt) {
      if (needed || !start.named) throw gone(record.id);
      return stopping;
    }
    if (!start.named && (stopping !== undefined || record.state === 'unloaded'))
      throw gone(record.id);
    if (stopping !== undefined) {
      await stopping;
      return this.#bringUp(plugin, start, needed);
    }
    if (starting !== undefined) {
      if (starting.asked > intent.stoppedAt) {
        if (start.together !== true) this.#activation.hurry(plugin);
        return starting.over;
      }
      // That start was overtaken by a stop.
      const again = () => this.#bringUp(plugin, start, needed);
      return starting.over.then(again, again);
    }
    const steered = start.activatedBy === 'request' && record.state === 'failed';
    return steered ? this.#activation.steer(plugin, start) : this.#activation.begin(plugin, start);
  }

  /** A plugin's place in the order of activation. Infinity when it isn't active. */
  activationOf(id: string): number {
    const places = this.#core.registry
      .versions(id)
      .map(({ key }) => this.#core.registry.plugin(key)?.place ?? Number.POSITIVE_INFINITY);
    return Math.min(...places, Number.POSITIVE_INFINITY);
  }

  /** Why a paused plugin can't resume: what it needs, and what is wrong with that. */
  blameFor(key: string): PluginError | undefined {
    return blameFor(this.#core, key);
  }

  /** Why a plugin is paused, one part of a sentence for each pause that says so. */
  pausedFor(key: string): readonly string[] {
    return pausedFor(this.#core, key);
  }

  /** Something has changed beside the records: a plugin's intent, or what the host provides. */
  reconsider(plugin?: Plugin): void {
    this.#core.reconciler.changed(plugin);
  }

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  drainOf(options: DrainOptions | undefined): Drain {
    return drainOf(options, this.#core.stages.limits);
  }

  /**
   * Stops a plugin. The plugins that require it pause first.
   *
   * @param drain how long the calls in flight may take.
   */
  async deactivate(
    key: string,
    reason: StopReason = 'request',
    drain: Drain = this.drainOf(undefined),
  ): Promise<void> {
    const plugin = this.#core.ledger.plugin(key);
    endPauses(plugin);
    plugin.intent.stoppedAt = this.#core.word();
    this.#core.supervisor.stopped(plugin);
    const stopping = this.#ending.stop(plugin, reason, drain);
    const over = stopping.then(
      () => {},
      () => {},
    );
    plugin.stopping = over;
    try {
      await stopping;
    } finally {
      if (plugin.stopping === over) plugin.stopping = undefined;
    }
    await this.#core.reconciler.rest();
  }

  /** Whether a plugin runs, or would but for a pending restart or its quarantine. */
  wantsToRun(key: string): boolean {
    const plugin = this.#core.registry.plugin(key);
    if (plugin?.record.state !== 'failed')
      return plugin?.record.state === 'active' || plugin?.record.state === 'suspended';
    return plugin.intent.restart !== undefined || plugin.intent.quarantine !== undefined;
  }

  async resume(key: string): Promise<void> {
    const { record, intent } = this.#core.ledger.plugin(key);
    if (record.state === 'active' && intent.pausedBy.size === 0) return;
    if (record.state !== 'suspended' && intent.pausedBy.size === 0) throw illegal(record, 'resume');
    await this.activate(key);
  }

  /**
   * Hands changed settings to all running versions. Rejects with a refusal, and the plugin then
   * keeps the old ones.
   * @param taken gets the keys of the versions that have taken them.
   * @param only the versions that they are for; all when absent.
   */
  reconfigure(id: string, taken: Set<string>, only?: ReadonlySet<string>): Promise<void> {
    return reconfigure(this.#core, id, taken, only);
  }

  async #wake(key: string, activation: string): Promise<Error | undefined> {
    const record = this.#core.registry.get(key);
    if (record?.state === 'suspended' && record.reason !== 'idle') return undefined;
    try {
      await this.activate(key, activation);
      return undefined;
    } catch (error) {
      // The caller gets the error. An event has no caller that waits.
      return error as Error;
    }
  }

  isEnabled(key: string): boolean {
    return this.#core.isEnabled(key);
  }

  /** Whether a plugin is on its way to `active`. */
  isStarting(key: string): boolean {
    return this.#core.isStarting(key);
  }

  /** Settles when no operation on the plugin is in progress. Its state is known then. */
  settled(key: string): Promise<void> {
    return this.#core.settled(key);
  }

  /** Pauses a plugin until {@link resume}, whatever else happens. */
  suspend(key: string): Promise<void> {
    return this.#pausing.suspend(key);
  }

  /** Pauses a plugin beside all that pause it already. Answers what ends the pause. */
  pause(key: string, by: PausedBy, pause: Pause): Promise<Release | undefined> {
    return this.#pausing.pause(key, by, pause);
  }

  /** Suspends the plugin of a guest that is over a limit. Its callers get the reason. */
  suspendOver(guest: object, blame: () => PluginError): Promise<void> {
    return this.#pausing.suspendOver(guest, blame);
  }

  /** The suspension for a limit is over. */
  resumeOver(guest: object): Promise<void> {
    return this.#pausing.resumeOver(guest);
  }

  /** Puts an active plugin to sleep. Answers whether it sleeps. */
  sleep(key: string): Promise<boolean> {
    return this.#pausing.sleep(key);
  }

  /** Replaces the guest by a fresh one, of another package when one is given. Answers the key. */
  reload(key: string, next?: ValidatedPlugin, how?: Replacement): Promise<string> {
    return this.#replacing.reload(key, next, how);
  }

  /** Puts another package in the place of a plugin that doesn't run. Answers its key. */
  exchange(key: string, next: ValidatedPlugin): Promise<string> {
    return this.#replacing.exchange(key, next);
  }

  /** Waits for the calls in flight, including the calls that they make to other plugins. */
  drain(drain: Drain): Promise<void> {
    return drainAll(this.#core.registry, drain);
  }

  /** Stops all plugins, the latest started first. Nothing can be started again. */
  async stop(): Promise<void> {
    this.#core.stopped = true;
    await this.#ending.stopAll((key) => this.deactivate(key, 'stop', AT_ONCE));
  }
}
