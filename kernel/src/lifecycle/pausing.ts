/** Pauses: by request, over a limit, by extensions, and hibernation. */
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import { outcome } from '../concurrency.js';
import { NO_PAUSES, type Pause, type PausedBy, type Plugin } from '../plugin/plugin.js';
import { type ActivePlugin, asResolved, isAsleep, type SuspendedPlugin } from '../plugin/record.js';
import { withOrigin } from '../telemetry/origin.js';
import type { Core } from './core.js';
import type { Ending } from './ending.js';
import { illegal } from './failures.js';
import { isPausePending, paused, withdraw } from './intents.js';
import { endGuest, sleep } from './sleep.js';
import { refusalOf, suspend, suspendWithout } from './suspend.js';
import { Undoing } from './undoing.js';

/** Ends one pause. */
export type Release = () => Promise<void>;

/** Takes plugins out of `active` without stopping them. */
export class Pausing {
  readonly #core: Core;
  readonly #ending: Ending;

  constructor(core: Core, ending: Ending) {
    this.#core = core;
    this.#ending = ending;
  }

  /** Pauses a plugin until {@link resume}, whatever else happens. */
  async suspend(key: string): Promise<void> {
    const plugin = this.#core.ledger.plugin(key);
    if (!(await this.#ask(plugin, 'request', {})))
      throw illegal(this.#core.ledger.require(key), 'suspend');
  }

  /**
   * Pauses a plugin beside all that pause it already. Answers what ends the pause, or undefined for
   * a plugin that doesn't run.
   *
   * @throws what its `suspend` threw, where its calls would have waited. It then stays active.
   */
  async pause(key: string, by: PausedBy, pause: Pause): Promise<Release | undefined> {
    const plugin = this.#core.registry.plugin(key);
    if (plugin === undefined) return undefined;
    const pending = this.#ask(plugin, by, pause);
    const inForce = plugin.intent.pausedBy.get(by);
    if (inForce === undefined || !(await pending)) return undefined;
    return () => this.#release(plugin, by, inForce);
  }

  /**
   * Resolves to whether the plugin is paused. A later pause of a name takes the place of the one
   * before, and shares its outcome where that is still to come.
   */
  #ask(plugin: Plugin, by: PausedBy, pause: Pause): Promise<boolean> {
    const { intent } = plugin;
    intent.released = false;
    const earlier = intent.pausedBy.get(by);
    const pending = earlier?.pending ?? outcome<boolean>();
    const before = earlier?.pending === undefined ? earlier : earlier.before;
    if (intent.pausedBy === NO_PAUSES) intent.pausedBy = new Map();
    intent.pausedBy.set(by, { ...pause, pending, before });
    this.#core.reconciler.asked(plugin);
    return pending.promise;
  }

  /**
   * A pause is over. The plugin goes on when it was the last one.
   *
   * @throws what keeps the plugin from going on.
   */
  async #release(plugin: Plugin, by: PausedBy, pause: Pause): Promise<void> {
    const { pausedBy } = plugin.intent;
    // A start by name, a stop or a later pause of the same name has ended this one.
    if (pausedBy.get(by) !== pause) return;
    pausedBy.delete(by);
    // It may be on its way into the pause.
    await plugin.operations.idle();
    if (pausedBy.size > 0) return this.#settle(plugin);
    if (plugin.record.state !== 'suspended') return;
    plugin.intent.released = true;
    try {
      await this.#core.steering.activate(plugin.record.key, by, by !== 'limit');
    } catch (error) {
      await this.#endStuck(plugin, error);
      throw error;
    } finally {
      await this.#core.reconciler.rest();
    }
  }

  /** Ends a plugin that can't go on after its last pause: nothing else would ever resume it. */
  async #endStuck(plugin: Plugin, error: unknown): Promise<void> {
    const { record } = plugin;
    if (record.state !== 'suspended' || isAsleep(record) || record.connection.over) return;
    if (plugin.intent.pausedBy.size > 0) return;
    // It goes on by itself when what it lacks is back.
    if (this.#core.relations.lost(record) !== undefined) return;
    await this.#core.steering.end(plugin);
    this.#core.ledger.fail(asResolved(record), 'activate', error);
  }

  /** Pauses an active plugin for all of its reasons. */
  async take({ record, intent: { pausedBy } }: Plugin): Promise<void> {
    if (record.state !== 'active') return;
    const undo = new Undoing(this.#core.stages.steps);
    await undo.before('suspend', record);
    // A pause that is asked for meanwhile is settled after this step.
    const entering = new Map(pausedBy);
    const refuses = refusalOf(entering) !== undefined;
    const running = this.#enter(record, entering);
    const suspended = refuses
      ? await running
      : await undo.unless(this.#core.hook(record, 'suspend', running));
    if (!this.#core.stillRuns(record))
      return withdraw(pausedBy, (pending) => pending.resolve(false));
    this.#core.ledger.advance(suspended, 'plugin:suspended');
    paused(entering);
  }

  /** Settles what was asked of a plugin that isn't active. */
  decline(plugin: Plugin): void {
    const { record, intent } = plugin;
    intent.next?.answer.resolve(undefined);
    intent.next = undefined;
    if (isAsleep(record)) intent.sleep?.resolve(true);
    else intent.sleep?.reject(illegal(record, 'hibernate'));
    intent.sleep = undefined;
    if (!isPausePending(intent.pausedBy)) return;
    if (record.state !== 'suspended')
      return withdraw(intent.pausedBy, (pending) => pending.resolve(false));
    // A sleeping plugin isn't woken, and a waiting one doesn't resume with its dependency.
    this.#settle(plugin);
    paused(intent.pausedBy);
  }

  /** The record and the door of a paused plugin follow from all of its pauses. */
  #settle({ record, intent, mailbox }: Plugin): void {
    if (record.state !== 'suspended') return;
    const refuse = refusalOf(intent.pausedBy);
    mailbox.hold('pause', refuse === undefined ? {} : { refuse });
    const reason = refuse === undefined || isAsleep(record) ? 'request' : 'limit';
    this.#core.ledger.put({ ...record, reason } as typeof record);
  }

  /**
   * Suspends a plugin for its pauses. Where calls are refused, it is suspended even if its hook
   * fails.
   */
  async #enter(
    record: ActivePlugin,
    pauses: ReadonlyMap<PausedBy, Pause>,
  ): Promise<SuspendedPlugin> {
    const refuse = refusalOf(pauses);
    if (refuse === undefined) return suspend(record, this.#core.stages);
    const { record: suspended, problem } = await suspendWithout(
      record,
      'limit',
      refuse,
      this.#core.stages,
    );
    if (problem !== undefined)
      this.#report(record.id, `${record.id} failed while it was suspended`, problem);
    return suspended;
  }

  /**
   * A guest that has just been activated, as the pauses of its plugin leave it. It has exceeded no
   * limit yet.
   */
  async entered(plugin: Plugin, active: ActivePlugin): Promise<ActivePlugin | SuspendedPlugin> {
    const pauses = new Map(plugin.intent.pausedBy);
    pauses.delete('limit');
    return pauses.size === 0 ? active : this.#enter(active, pauses);
  }

  /** Suspends the plugin of a guest that is over a limit. Its callers get the reason. */
  async suspendOver(guest: object, blame: () => PluginError): Promise<void> {
    const plugin = this.#core.pluginOf(guest);
    if (plugin?.record.state !== 'active') return;
    await this.#ask(plugin, 'limit', { refuse: blame });
  }

  /** The suspension for a limit is over. */
  async resumeOver(guest: object): Promise<void> {
    const plugin = this.#core.pluginOf(guest);
    const pause = plugin?.intent.pausedBy.get('limit');
    if (plugin === undefined || pause === undefined) return;
    await this.#release(plugin, 'limit', pause).catch((error: unknown) =>
      this.#report(plugin.record.id, `could not resume ${plugin.record.id}`, error),
    );
  }

  #report(id: string, what: string, error: unknown): void {
    this.#core.reporting.log.write('kernel', 'warn', `${what}: ${messageOf(error)}`, {
      plugin: id,
      ...withOrigin(error),
    });
  }

  /**
   * Puts an active plugin to sleep: its guest ends, its state and registrations stay. Answers
   * whether it sleeps. A busy plugin stays active, and so does an object of the application.
   * @throws PluginLifecycleError `plugin/hook-failed` when `getState` failed; it then stays active.
   */
  sleep(key: string): Promise<boolean> {
    const plugin = this.#core.ledger.plugin(key);
    plugin.intent.sleep ??= outcome();
    const { promise } = plugin.intent.sleep;
    this.#core.reconciler.asked(plugin);
    return promise;
  }

  /** Does what {@link sleep} was asked. */
  async hibernate(plugin: Plugin): Promise<void> {
    const { record, intent } = plugin;
    const answer = intent.sleep;
    if (answer === undefined || record.state !== 'active') return;
    const sleeps = record.package.exported === undefined && (await this.#hibernate(plugin, record));
    intent.sleep = undefined;
    answer.resolve(sleeps);
  }

  async #hibernate(plugin: Plugin, record: ActivePlugin): Promise<boolean> {
    const { key } = record;
    const undo = new Undoing(this.#core.stages.steps);
    await undo.before('hibernate', record);
    const wake = (activation: string) => this.#core.steering.wake(key, activation);
    const asleep = await undo.unless(
      this.#core.hook(record, 'getState', sleep(record, this.#core.stages, wake)),
    );
    if (asleep === undefined) {
      await undo.run();
      return false;
    }
    this.#core.supervisor.slept(plugin);
    plugin.place = undefined;
    plugin.saved = asleep.snapshot;
    this.#core.ledger.advance(asleep.record, 'plugin:suspended');
    this.#ending.retire(endGuest(record, 'idle', this.#core.stages));
    return true;
  }
}
