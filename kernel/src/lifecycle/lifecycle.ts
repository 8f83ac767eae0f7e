/**
 * Advances plugins through their stages. Operations on one plugin run one after the other; several requests to activate
 * share one run. What an operation needs of other plugins is done outside its turn, so that two operations never wait
 * for each other. Plugins are named by their registry keys here.
 */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { listenFor } from '../guests/dormant.js';
import type { GuestRegistrations } from '../guests/registrations.js';
import type { PluginPackage } from '../host.js';
import type { KernelParts } from '../parts.js';
import {
  type ActivePlugin,
  asResolved,
  type AsleepPlugin,
  asValidated,
  isAsleep,
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type RunningPlugin,
  type SuspendedPlugin,
  type ValidatedPlugin,
} from '../record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { activate } from './activate.js';
import { Admission } from './admission.js';
import { deactivate } from './deactivate.js';
import { Dependants } from './dependants.js';
import { activationFailed, disabled, gone, hookFailed, hookOf, illegal, loadFailed } from './failures.js';
import { catchUp, initialize, isBehind } from './initialize.js';
import { Ledger } from './ledger.js';
import { load } from './load.js';
import { Relations } from './relations.js';
import { endGuest, sleep } from './sleep.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import type { Stage } from './stage.js';
import { resume, suspend, suspendWithout } from './suspend.js';
import { ALIVE, isSwappable, retire, swap } from './swap.js';
import { settleEach, Slots, Turns } from './turns.js';

/** How often an operation is tried anew because another one changed a dependency while it waited for its turn. */
const MAX_TRIES = 10;

/** Who starts a plugin, and with what. */
interface Start {
  readonly activatedBy: string;
  readonly named: boolean;
  /** Whether it takes its turn among those that start together; one that somebody in his own start waits for must not. */
  readonly together?: boolean;
  readonly snapshot?: Snapshot | undefined;
}

/** What somebody does by name, as opposed to what happens. */
const NAMED: ReadonlySet<string> = new Set(['request', 'startup', 'reload']);

/** Milliseconds that a paused plugin may take to finish what is in flight before it is restarted. */
const PATIENCE = 500;

/** Owns the guests behind the records. */
export class Lifecycle {
  readonly #registry: PluginRegistry;
  readonly #parts: KernelParts;
  readonly #ledger: Ledger;
  readonly #admission: Admission;
  readonly #relations: Relations;
  readonly #dependants: Dependants;
  readonly #turns = new Turns();
  readonly #slots: Slots;
  /** Activations in flight, dependencies included. */
  readonly #activating = new Map<string, Promise<void>>();
  /** Stops under way: who starts a plugin after that starts it anew. */
  readonly #stopping = new Map<string, Promise<unknown>>();
  /** Plugins in the order of their activation, to be stopped in reverse. */
  readonly #activeOrder: string[] = [];
  /** Plugins whose guest is being ended: until that is over nothing else is written down of them. */
  readonly #leaving = new Set<string>();
  /** Guests that have been replaced or sent to sleep, and end. */
  readonly #ending = new Set<Promise<void>>();
  /** What listens for the events and hooks that activate a plugin. */
  readonly #listening = new Map<string, GuestRegistrations>();
  readonly #disabled = new Set<string>();
  /** Why guests are suspended that were over a limit. */
  readonly #overLimit = new WeakMap<object, () => PluginError>();
  /** Plugins whose guest has ended while they were suspended by request: they come back as that. */
  readonly #paused = new Set<string>();
  /** State of plugins that are being restarted, for whoever starts them next. */
  readonly #handover = new Map<string, Snapshot>();
  #stopped = false;

  constructor(registry: PluginRegistry, parts: KernelParts) {
    this.#registry = registry;
    this.#parts = parts;
    this.#slots = new Slots(parts.limits.parallel);
    this.#ledger = new Ledger(registry, parts);
    this.#admission = new Admission(this.#ledger, parts);
    this.#relations = new Relations(registry, parts.hostContracts, (key) => this.isEnabled(key));
    this.#dependants = new Dependants(this.#ledger, this.#relations, this.#turns, parts, {
      isOver: () => this.#stopped,
      isStarting: (key) => this.isStarting(key),
      isEnabled: (key) => this.isEnabled(key),
      stillRuns: (record) => this.#stillRuns(record),
      hook: (record, hook, running) => this.#hook(record, hook, running),
      end: (key) => this.#deactivate(key),
      listen: () => this.#listen(),
      start: (key) => this.activate(key, 'restart'),
    });
  }

  // --- who is there ----------------------------------------------------------------------------------------------

  /** Why less was found than there should be. */
  get problems(): readonly PluginError[] {
    return this.#admission.problems;
  }

  report(problem: PluginError): void {
    this.#admission.report(problem);
  }

  /** Validates and resolves packages. One bad plugin never stops the others. */
  admit(packages: readonly PluginPackage[], wanted: (record: ValidatedPlugin) => boolean = () => true): void {
    this.#admission.admit(packages, wanted);
    this.#resolveAll();
  }

  /** Reads what a package is. Throws what is wrong with it. */
  validate(found: PluginPackage): ValidatedPlugin {
    return this.#admission.validate(found);
  }

  /** @throws PluginResolutionError `plugin/duplicate` when this version is there already. */
  checkFree(record: ValidatedPlugin): void {
    this.#admission.checkFree(record);
  }

  /** @throws when a plugin can't be added as it is: its version is there, or something it needs isn't. */
  checkAddable(record: ValidatedPlugin): void {
    this.#admission.checkFree(record);
    this.#admission.resolveNext(record, undefined, []);
  }

  /** Adds a plugin to the running kernel; doesn't activate it. */
  async add(record: ValidatedPlugin): Promise<void> {
    this.checkAddable(record);
    this.#registry.put(this.#admission.resolveNext(record, undefined, []));
    this.#resolveAll();
    await this.#dependants.resume();
  }

  /** Stops a plugin and forgets it. */
  async remove(key: string): Promise<void> {
    await this.deactivate(key);
    this.#stopListening(key, gone(key));
    this.#handover.delete(key);
    this.#registry.remove(key);
    this.#resolveAll();
    await this.#dependants.resume();
  }

  /**
   * Puts another package in the place of a plugin that doesn't run. Answers its key.
   *
   * @throws PluginResolutionError when it can't be resolved, or its version is there already; nothing is changed then.
   */
  exchange(key: string, next: ValidatedPlugin): Promise<string> {
    return this.#turns.run(key, async () => {
      if (next.key !== key) this.#admission.checkFree(next);
      this.#admission.resolveNext(next, key, []);
      const stopped = this.#registry.get(key)?.state === 'unloaded';
      await this.#deactivate(key);
      this.#stopListening(key, gone(next.id));
      this.#registry.rename(key, next);
      this.#resolveAll();
      // What was stopped by name stays so in another version.
      const record = this.#registry.get(next.key);
      if (stopped && record?.state === 'resolved') await this.#deactivate(next.key);
      return next.key;
    });
  }

  isEnabled(key: string): boolean {
    return !this.#disabled.has(key);
  }

  /** A disabled plugin isn't started by anything; one that runs is not stopped here. */
  setEnabled(key: string, enabled: boolean): void {
    if (enabled) this.#disabled.delete(key);
    else {
      this.#disabled.add(key);
      if (this.#registry.get(key)?.state === 'failed') this.#parts.supervisor.stopped(key);
    }
    this.#listen();
  }

  // --- operations ------------------------------------------------------------------------------------------------

  /** Activates every resolved plugin that asks for an activation event; failures are recorded, not thrown. */
  async activateAll(event: string): Promise<void> {
    const wanting = this.#registry
      .all()
      .filter((record): record is ResolvedPlugin => record.state === 'resolved' && this.isEnabled(record.key) && record.manifest.activation.includes(event));
    const keys = wanting.sort((a, b) => a.level - b.level).map((record) => record.key);
    // One that failed already as a dependency isn't tried a second time.
    await settleEach(keys, this.#parts.limits.parallel, (key) =>
      this.#registry.get(key)?.state === 'resolved' ? this.#activateTogether(key, event, NAMED.has(event)) : undefined,
    );
  }

  /**
   * Brings a plugin to `active`, its dependencies first. Requests that come while it starts share its outcome.
   *
   * @param named whether somebody asks for it by name, and with it for what it needs: a plugin that was stopped by name
   * isn't started again by what merely happens.
   */
  activate(key: string, activatedBy = 'request', named = NAMED.has(activatedBy)): Promise<void> {
    if (named) this.#paused.delete(key);
    const stopping = this.#stopping.get(key);
    const current = this.#activating.get(key);
    if (current !== undefined && stopping === undefined) return current;
    if (stopping !== undefined) return stopping.then(() => this.activate(key, activatedBy, named));
    if (activatedBy === 'request' && this.#registry.get(key)?.state === 'failed') this.#parts.supervisor.steered(key);
    return this.#begin(key, { activatedBy, named });
  }

  #activateTogether(key: string, activatedBy: string, named: boolean): Promise<void> {
    return this.#stopping.has(key) || this.#activating.has(key) ? this.activate(key, activatedBy, named) : this.#begin(key, { activatedBy, named, together: true });
  }

  /** A plugin's place in the order of activation; Infinity when it isn't active. */
  activationOf(id: string): number {
    const at = this.#activeOrder.findIndex((key) => idOf(key) === id);
    return at === -1 ? Number.POSITIVE_INFINITY : at;
  }

  /** Whether a plugin is on its way to `active`. */
  isStarting(key: string): boolean {
    return this.#activating.has(key);
  }

  /** Starts a plugin again whose guest has ended by itself. */
  async restart(key: string, snapshot: Snapshot | undefined): Promise<void> {
    const current = this.#activating.get(key);
    if (current !== undefined) return current;
    if (this.#registry.get(key)?.state === 'failed') await this.#begin(key, { activatedBy: 'restart', named: false, snapshot });
  }

  /** Why a paused plugin can't go on: what it needs and where that is at fault. */
  blameFor(key: string): PluginError | undefined {
    const record = this.#registry.get(key);
    if (record?.state === 'suspended' && record.reason === 'limit') return this.#overLimit.get(record.connection)?.();
    if (record?.state !== 'suspended' || record.reason !== 'dependency') return undefined;
    const lost = this.#relations.lost(record);
    return lost === undefined ? undefined : this.#relations.blame(record, lost);
  }

  /** A plugin won't be started again by itself: what can't do without it pauses. */
  async givenUp(key: string): Promise<void> {
    await this.#dependants.pause(key);
  }

  /** The host provides a contract now, or doesn't any more. */
  async hostChanged(base: string): Promise<void> {
    this.#dependants.tell();
    await this.#dependants.pause(base);
    await this.#dependants.resume();
  }

  /** Stops a plugin; before it, what can't do without it pauses. */
  async deactivate(key: string): Promise<void> {
    this.#ledger.require(key);
    this.#paused.delete(key);
    this.#parts.supervisor.stopped(key);
    const stopping = this.#stop(key);
    const over = stopping.then(
      () => {},
      () => {},
    );
    this.#stopping.set(key, over);
    try {
      await stopping;
    } finally {
      if (this.#stopping.get(key) === over) this.#stopping.delete(key);
    }
    // Others have started, or were paused, while this went on.
    await this.#dependants.pause(key);
    await this.#dependants.resume();
  }

  async #stop(key: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      await this.#dependants.pause(key);
      const stopped = await this.#turns.run(key, async () => {
        // One may have started again while this waited for its turn.
        if (tries < MAX_TRIES && !this.#stopped && this.#relations.dependants(key).some(({ state }) => state === 'active')) return false;
        await this.#deactivate(key);
        return true;
      });
      if (stopped) return;
    }
  }

  /** Settles when nothing is under way with a plugin: then it is known what it is. */
  async settled(key: string): Promise<void> {
    while (this.#activating.has(key) || this.#turns.busy(key)) {
      await this.#activating.get(key)?.catch(() => {});
      await this.#turns.settled(key);
    }
  }

  /** Whether somebody counts on a plugin to run: it does, it is on its way back, or it would if it could. */
  wantsToRun(key: string): boolean {
    const record = this.#registry.get(key);
    if (record?.state !== 'failed') return record?.state === 'active' || record?.state === 'suspended';
    const { supervisor } = this.#parts;
    return supervisor.comeback(key) !== undefined || supervisor.quarantine(key) !== undefined;
  }

  /** Pauses a plugin until {@link resume}, whatever else happens. */
  suspend(key: string): Promise<void> {
    return this.#turns.run(key, async () => {
      const record = this.#ledger.require(key);
      if (record.state === 'active') {
        this.#ledger.advance(await this.#hook(record, 'suspend', suspend(record, this.#parts)), 'plugin:suspended');
      } else if (record.state === 'suspended') {
        // One that sleeps isn't woken any more, and one that waits for another doesn't go on when that is back.
        (isAsleep(record) ? record.registrations : record.connection.registrations).hold();
        this.#ledger.put({ ...record, reason: 'request' });
      } else throw illegal(record, 'suspend');
    });
  }

  /** Suspends the plugin of a guest that is over a limit; whoever calls it hears why. */
  async suspendOver(guest: object, blame: () => PluginError): Promise<void> {
    const key = this.#keyOf(guest);
    if (key === undefined) return;
    await this.#turns.run(key, async () => {
      const record = this.#registry.get(key);
      if (record?.state !== 'active' || record.connection !== guest) return;
      this.#overLimit.set(guest, blame);
      const { record: suspended, problem } = await suspendWithout(record, 'limit', blame, this.#parts);
      if (problem !== undefined) this.#parts.log.write('kernel', 'warn', `${record.id} failed while it was suspended: ${messageOf(problem)}`, { plugin: record.id });
      if (this.#stillRuns(record)) this.#ledger.advance(suspended, 'plugin:suspended');
    });
  }

  /** The time is over for which it was suspended. */
  async resumeOver(guest: object): Promise<void> {
    const key = this.#keyOf(guest);
    const record = key === undefined ? undefined : this.#registry.get(key);
    if (key === undefined || record?.state !== 'suspended' || record.reason !== 'limit') return;
    try {
      await this.activate(key, 'limit');
    } catch (error) {
      this.#parts.log.write('kernel', 'warn', `could not resume ${record.id}: ${messageOf(error)}`, { plugin: record.id });
      await this.#turns.run(key, () => this.#waitForLost(key, guest));
    }
  }

  /** One that can't be resumed for want of something goes on when that is back. */
  async #waitForLost(key: string, guest: object): Promise<void> {
    const record = this.#registry.get(key);
    if (record?.state !== 'suspended' || record.reason !== 'limit' || record.connection !== guest) return;
    const lost = this.#relations.lost(record);
    if (lost === undefined) return;
    const { record: suspended } = await suspendWithout(record, 'dependency', () => this.#relations.blame(record, this.#relations.lost(record) ?? lost), this.#parts);
    this.#ledger.put(suspended);
  }

  #keyOf(guest: object): string | undefined {
    return this.#registry.all().find((record) => isRunning(record) && record.connection === guest)?.key;
  }

  async resume(key: string): Promise<void> {
    const record = this.#ledger.require(key);
    if (record.state === 'active') return;
    if (record.state !== 'suspended' && !this.#paused.has(key)) throw illegal(record, 'resume');
    await this.activate(key);
  }

  /**
   * Puts an active plugin to sleep: its guest ends, its state and registrations stay. Answers whether it sleeps now; one
   * that works goes on, and so does an object of the application, which is there only once.
   *
   * @throws PluginLifecycleError `plugin/hook-failed` when `getState` failed; the plugin goes on then.
   */
  sleep(key: string): Promise<boolean> {
    return this.#turns.run(key, async () => {
      const record = this.#ledger.require(key);
      if (isAsleep(record)) return true;
      if (record.state !== 'active') throw illegal(record, 'hibernate');
      if (record.package.exported !== undefined) return false;
      const asleep = await this.#hook(
        record,
        'getState',
        sleep(record, this.#parts, (activation) => this.#wake(key, activation)),
      );
      if (asleep === undefined) return false;
      this.#parts.supervisor.slept(key);
      this.#forgetActive(key);
      this.#ledger.advance(asleep, 'plugin:suspended');
      this.#end(endGuest(record, this.#parts));
      return true;
    });
  }

  /**
   * Replaces the guest by a fresh one, of another package when one is given. An active plugin is swapped while it runs:
   * when that fails it goes on as it was, and the rejection says why. Any other is stopped and started. Answers the key,
   * which is another one when the version is.
   *
   * @param stateless whether the next guest begins without the state of this one.
   */
  async reload(key: string, next?: ValidatedPlugin, stateless = false): Promise<string> {
    this.#ledger.require(key);
    await this.settled(key);
    const record = this.#ledger.require(key);
    if (next !== undefined && next.id !== record.id)
      throw createError('plugin/illegal-transition', `cannot reload ${record.id} with a package of ${next.id}`, { plugin: record.id, details: { other: next.id } });
    if (!this.isEnabled(key)) throw disabled(record);
    const hold = isRunning(record) ? record.connection.meter.letThrough() : undefined;
    try {
      return await this.#reload(key, record, next, stateless);
    } finally {
      hold?.();
    }
  }

  async #reload(key: string, record: PluginRecord, next: ValidatedPlugin | undefined, stateless: boolean): Promise<string> {
    // Before anything is touched: what can't be the next one changes nothing.
    const resolved = next && this.#resolveNext(key, next);
    if (record.state === 'suspended' && !isAsleep(record)) {
      // It runs only if it may: what was stopped by name isn't started for one that waits.
      await this.#activateDependencies(resolved ?? asResolved(record), { activatedBy: 'reload', named: false });
    }
    if ((record.state === 'active' || (record.state === 'suspended' && !isAsleep(record))) && (await isSwappable(record))) {
      if (record.state === 'active') await this.#activateDependencies(resolved ?? asResolved(record), { activatedBy: 'reload', named: true });
      const swapped = await this.#turns.run(key, () => this.#swap(key, resolved, stateless));
      if (swapped !== undefined) {
        await this.#dependants.resume();
        return swapped;
      }
    }
    if (isAsleep(record)) {
      await this.#activateDependencies(resolved ?? asResolved(record), { activatedBy: 'reload', named: true });
      const woken = await this.#turns.run(key, () => this.#wakeAs(key, resolved, stateless));
      if (woken !== undefined) {
        await this.#dependants.resume();
        return woken;
      }
    }
    return this.#restart(key, next, stateless);
  }

  #resolveNext(key: string, next: ValidatedPlugin): ResolvedPlugin {
    if (next.key !== key) this.#admission.checkFree(next);
    return this.#admission.resolveNext(next, key, this.#relations.reliant(key));
  }

  /**
   * Hands changed settings to a running plugin, every version of it; rejects with its refusal, and then it keeps the old ones.
   *
   * @param taken gets the keys of those that have taken them.
   * @param only whom they are for; all when absent.
   */
  async reconfigure(id: string, taken: Set<string>, only?: ReadonlySet<string>): Promise<void> {
    for (const record of this.#registry.versions(id)) {
      if (!isRunning(record) || (record.state !== 'active' && record.state !== 'suspended')) continue;
      if (only?.has(record.key) === false) continue;
      const answer = await record.connection.ask('configure', this.#parts.limits.hook, this.#parts.config.of(record.manifest));
      taken.add(record.key);
      if (answer === 'restart') await this.reload(record.key);
    }
  }

  /** Stops everything, the latest started first. Nothing can be started again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled([...this.#activating.values()]);
    await this.#turns.idle();
    for (const key of [...this.#activeOrder].reverse()) await this.deactivate(key).catch(() => {});
    for (const record of this.#registry.all()) if (isRunning(record) || isAsleep(record)) await this.deactivate(record.key).catch(() => {});
    for (const [key, listening] of this.#listening) listening.close(gone(key));
    this.#listening.clear();
    await Promise.allSettled([...this.#ending]);
  }

  // --- starting --------------------------------------------------------------------------------------------------

  #begin(key: string, start: Start): Promise<void> {
    const run = this.#run(key, start);
    this.#activating.set(key, run);
    // Whoever waits for the plugin itself need not wait for those that wait for it: callers in their order, the first, too.
    const resumed = run.then(() => this.#dependants.resume());
    if (start.named) return resumed;
    resumed.catch(() => {});
    return run;
  }

  /** One activation, from its dependencies on. Nobody joins it any more once it is known how it ends. */
  async #run(key: string, start: Start): Promise<void> {
    try {
      await this.#bringUp(key, start);
      this.#activating.delete(key);
    } catch (error) {
      this.#activating.delete(key);
      this.#letDown(key, error as Error);
      throw error;
    }
  }

  /** Tells who waits for a plugin that it won't come. One that sleeps keeps its state and its events for the next try. */
  #letDown(key: string, error: Error): void {
    const record = this.#registry.get(key);
    if (record !== undefined && isAsleep(record)) {
      this.#parts.log.write('kernel', 'error', `could not wake ${record.id}: ${error.message}`, { plugin: record.id });
      record.registrations.fail(error);
      this.#parts.announce('plugin:wake-failed', { ...this.#ledger.fact(record), code: String((error as Partial<PluginError>).code), message: error.message });
    } else if (record?.state !== 'resolved') this.#stopListening(key, error);
    else this.#listening.get(key)?.fail(error);
  }

  async #wake(key: string, activation: string): Promise<Error | undefined> {
    const record = this.#registry.get(key);
    if (record?.state === 'suspended' && record.reason !== 'idle') return undefined;
    try {
      await this.activate(key, activation);
      return undefined;
    } catch (error) {
      // Whoever called hears of it; an event has nobody who waits.
      return error as Error;
    }
  }

  /** Activates dependencies, then the plugin in its turn; again when a dependency was stopped in between. */
  async #bringUp(key: string, start: Start): Promise<void> {
    for (let tries = 1; ; tries++) {
      const record = this.#ledger.require(key);
      if (!this.isEnabled(key)) throw disabled(record);
      // What was suspended by request goes on by request.
      if (record.state === 'suspended' && record.reason === 'request' && !start.named) return;
      if (record.state !== 'active') await this.#activateDependencies(record.state === 'suspended' ? asResolved(record) : startable(record), start);
      const missing = await this.#turns.run(key, () => this.#activate(key, start));
      if (missing === undefined) return;
      const now = this.#ledger.require(key);
      if (tries === MAX_TRIES) throw this.#dependencyMissing(now.state === 'suspended' ? asResolved(now) : startable(now), missing);
    }
  }

  /** Answers undefined when the plugin is active, or the dependency that isn't any more. */
  async #activate(key: string, start: Start): Promise<string | undefined> {
    const record = this.#ledger.require(key);
    if (this.#stopped) throw createError('kernel/stopped', `cannot activate ${record.id}: the kernel has stopped`, { plugin: record.id });
    if (record.state === 'active') return undefined;
    if (record.state === 'suspended' && !isAsleep(record)) {
      // Somebody may have suspended it by name while this waited for its turn.
      if (record.reason === 'request' && !start.named) return undefined;
      const lost = this.#relations.lost(record);
      if (lost === undefined) this.#ledger.advance(await this.#hook(record, 'resume', resume(record, this.#parts)), 'plugin:resumed');
      return lost;
    }
    const resolved = isAsleep(record) ? asResolved(record) : startable(record);
    const missing = this.#relations.missing(resolved);
    if (missing !== undefined) return missing;
    const work = () => (isAsleep(record) ? this.#start(resolved, { ...start, snapshot: record.snapshot }, record) : this.#start(resolved, start, undefined));
    return start.together ? this.#slots.run(work) : work();
  }

  /** @param asleep what the plugin was, when it wakes: it goes back to that when it can't. */
  async #start(resolved: ResolvedPlugin, { activatedBy, named, snapshot: given }: Start, asleep: AsleepPlugin | undefined): Promise<string | undefined> {
    const { key } = resolved;
    const snapshot = given ?? this.#handover.get(key) ?? this.#parts.supervisor.snapshot(key);
    const started = performance.now();
    const waiting = asleep?.registrations ?? this.#listening.get(key);
    let stage: Stage = 'load';
    let running: RunningPlugin | undefined;
    let next: ActivePlugin | SuspendedPlugin;
    try {
      running = this.#ledger.advance(await load(resolved, this.#parts), 'plugin:loaded');
      this.#relations.checkNeeds(running);
      this.#watch(running);
      stage = 'initialize';
      running = this.#ledger.advance(await initialize(running, this.#parts), 'plugin:initialized');
      stage = 'activate';
      const active = await activate(running, activatedBy, this.#relations.metNeeds(running), snapshot, this.#parts);
      next = this.#paused.has(key) && !named ? await suspend(active, this.#parts) : active;
      while (isBehind(next, this.#parts)) next = await catchUp(next, this.#parts);
      running = next;
      if (!this.#stillRuns(running)) {
        // Its guest has ended, or another package has taken its place.
        throw running.connection.over ? await running.connection.ended : createError('plugin/unavailable', `${resolved.id} was replaced while it started`, { plugin: resolved.id });
      }
      const lost = this.#relations.missing(resolved);
      if (lost !== undefined) {
        await this.#undo(running, asleep);
        return lost;
      }
      if (!this.isEnabled(key)) throw disabled(resolved);
      // Only now, and all at once: what it has registered is there for others, those first who have waited.
      running.connection.registrations.takeOver(waiting);
      this.#handover.delete(key);
      this.#listening.delete(key);
      this.#ledger.put(running);
    } catch (error) {
      const wrapped = stage === 'load' ? loadFailed(resolved.id, error) : activationFailed(resolved.id, stage, error);
      // The record of a crash that came first stands: it names the cause.
      const crashed = running === undefined ? undefined : this.#registry.get(key);
      const known = crashed?.state === 'failed' ? crashed.error : undefined;
      const replaced = running !== undefined && known === undefined && !this.#stillRuns(running);
      if (running !== undefined && known === undefined) await this.#undo(running, asleep);
      // A state that it can't take would keep it down for good.
      if (hookOf(wrapped) === 'restoreState') this.#parts.supervisor.forgetState(key);
      if (replaced) throw wrapped;
      if (asleep !== undefined) this.#registry.put(asleep);
      else {
        this.#stopListening(key, known ?? wrapped);
        if (known === undefined) this.#ledger.fail(resolved, stage, wrapped);
      }
      throw known ?? wrapped;
    }
    this.#entered(next, activatedBy, started, snapshot);
    if (next.state === 'suspended') this.#parts.announce('plugin:suspended', this.#ledger.fact(next));
    return undefined;
  }

  #stopListening(key: string, error: Error): void {
    this.#listening.get(key)?.close(error);
    this.#listening.delete(key);
  }

  #entered(active: ActivePlugin | SuspendedPlugin, activatedBy: string, started: number, snapshot: Snapshot | undefined): void {
    const { key, version, connection } = active;
    this.#paused.delete(key);
    this.#activeOrder.push(key);
    this.#parts.supervisor.started(key, version, connection, snapshot);
    this.#parts.announce('plugin:activated', { id: active.id, version, activatedBy, took: performance.now() - started });
    this.#dependants.tell();
    // Once it is known to run: it waits for what is under way with it.
    if (active.restart)
      this.reload(key).catch((error: unknown) => this.#parts.log.write('kernel', 'error', `could not restart ${active.id}: ${messageOf(error)}`, { plugin: active.id }));
  }

  #watch({ key, connection }: RunningPlugin): void {
    connection.onEnd = (error) => this.#guestEnded(key, connection, error);
    // One that was over before anybody could be told.
    void connection.ended.then((error) => this.#guestEnded(key, connection, error));
  }

  /** One that is only wished for may fail: what can't be done without is known by the manifest's dependencies. */
  async #activateDependencies(record: ResolvedPlugin, { named, together = false }: Start): Promise<void> {
    const by = `need:${record.id}`;
    const start = (dependency: string) => {
      if (this.#relations.isThere(dependency)) return undefined;
      const known = this.#registry.get(dependency);
      const comeback = this.#parts.supervisor.comeback(dependency);
      if (comeback !== undefined) return comeback.then(() => this.activate(dependency, by, named));
      // Somebody has to ask for a failed one by name: being needed is no reason to try it again and again. Nor is it one
      // to start what was stopped by name, unless by somebody who asks by name himself.
      if (known?.state === 'failed') return Promise.reject(known.error);
      if (known?.state === 'unloaded' && !named) return Promise.reject(gone(known.id));
      return together ? this.#activateTogether(dependency, by, named) : this.activate(dependency, by, named);
    };
    const results = await settleEach(record.dependencies, this.#parts.limits.parallel, start);
    const failed = record.dependencies.find((key, index) => results[index]?.status === 'rejected' && this.#relations.missing({ ...record, dependencies: [key] }) !== undefined);
    if (failed !== undefined) throw this.#dependencyMissing(record, failed);
  }

  /** Records and answers the failure of a plugin whose dependency doesn't run. */
  #dependencyMissing(record: ResolvedPlugin, dependency: string): Error {
    const error = this.#relations.blame(record, dependency);
    const current = this.#registry.get(record.key);
    // One that is paused for want of it stays so: it resumes when the dependency is back.
    if (current !== undefined && current.state !== 'suspended' && current.state !== 'active' && !this.#leaving.has(record.key)) this.#ledger.fail(record, 'activate', error);
    return error;
  }

  // --- replacing -------------------------------------------------------------------------------------------------

  /** Answers the key of the plugin that runs now, or undefined when it isn't active any more. */
  async #swap(key: string, next: ResolvedPlugin | undefined, stateless: boolean): Promise<string | undefined> {
    const old = this.#registry.get(key);
    if ((old?.state !== 'active' && old?.state !== 'suspended') || isAsleep(old) || this.#stopped) return undefined;
    const started = performance.now();
    if (next === undefined) this.#readAnew(old.package);
    let successor: ActivePlugin | SuspendedPlugin;
    let snapshot: Snapshot | undefined;
    try {
      ({ next: successor, snapshot } = await swap(old, next ?? asResolved(old), this.#parts, {
        stateless,
        checkNeeds: (loaded) => {
          const missing = this.#relations.missing(loaded);
          if (missing !== undefined) throw this.#relations.blame(loaded, missing);
          this.#relations.checkNeeds(loaded);
        },
        metNeeds: (loaded) => this.#relations.metNeeds(loaded),
        stillThere: () => this.#stillRuns(old) && !this.#stopped,
        replace: (record) => {
          this.#registry.rename(key, record);
        },
        checkFree: () => {
          if (next !== undefined && next.key !== key) this.#admission.checkFree(asValidated(next));
        },
      }));
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `could not replace ${old.id}: ${messageOf(error)}`, { plugin: old.id });
      throw error instanceof Error && 'code' in error ? error : activationFailed(old.id, 'activate', error);
    }
    this.#watch(successor);
    this.#parts.supervisor.stopped(key);
    this.#end(retire(old, this.#parts));
    this.#forgetActive(key);
    this.#resolveAll();
    this.#entered(successor, 'reload', started, snapshot);
    this.#parts.announce('plugin:reloaded', { id: successor.id, version: successor.version });
    if (successor.state === 'suspended') this.#parts.announce('plugin:suspended', this.#ledger.fact(successor));
    return successor.key;
  }

  /**
   * Wakes a plugin with another package, or its own read anew: what has come for it while it slept is not lost. When that fails it
   * sleeps on. Answers the key of the plugin that runs now, or undefined when it doesn't sleep any more.
   */
  async #wakeAs(key: string, next: ResolvedPlugin | undefined, stateless: boolean): Promise<string | undefined> {
    const asleep = this.#registry.get(key);
    if (asleep === undefined || !isAsleep(asleep) || this.#stopped) return undefined;
    const resolved = next ?? asResolved(asleep);
    const missing = this.#relations.missing(resolved);
    if (missing !== undefined) throw this.#relations.blame(resolved, missing);
    this.#parts.supervisor.stopped(key);
    if (next === undefined) this.#readAnew(asleep.package);
    const renamed = resolved.key !== key;
    // It wakes already; what comes waits for how that ends.
    asleep.registrations.hold();
    if (renamed) this.#registry.rename(key, resolved);
    try {
      const lost = await this.#start(resolved, { activatedBy: 'reload', named: true, snapshot: stateless ? undefined : asleep.snapshot }, asleep);
      if (lost !== undefined) throw this.#relations.blame(resolved, lost);
    } catch (error) {
      if (renamed) {
        this.#registry.remove(key);
        this.#registry.rename(resolved.key, asleep);
        this.#resolveAll();
      }
      asleep.registrations.hold({ onArrival: (activation) => this.#wake(key, activation) });
      throw error;
    }
    if (renamed) this.#resolveAll();
    this.#parts.announce('plugin:reloaded', this.#ledger.fact(resolved));
    return resolved.key;
  }

  /** Stops a plugin and starts it again; state is handed over when the plugin offers it. When that fails, it is there as it was. */
  async #restart(key: string, next: ValidatedPlugin | undefined, stateless: boolean): Promise<string> {
    const now = next?.key ?? key;
    const planned = this.#parts.supervisor.comeback(key) !== undefined;
    const paused = this.#paused.delete(key);
    this.#parts.supervisor.steered(key);
    await this.#dependants.pause(key);
    const before = await this.#turns.run(key, async () => {
      const record = this.#ledger.require(key);
      if (next !== undefined) this.#resolveNext(key, next);
      const snapshot = stateless ? undefined : await this.#snapshot(record);
      this.#parts.supervisor.stopped(key);
      if (next === undefined) this.#readAnew(record.package);
      await this.#deactivate(key);
      if (next !== undefined) this.#registry.rename(key, next);
      else if (record.state === 'failed' && record.previous.state !== 'resolved') this.#registry.put(record.previous);
      // Whoever starts it first hands it over.
      if (snapshot !== undefined) this.#handover.set(now, snapshot);
      this.#resolveAll();
      return { record, snapshot };
    });
    try {
      await (this.#activating.get(now) ?? this.#begin(now, { activatedBy: 'reload', named: true }));
    } catch (error) {
      this.#handover.delete(now);
      if (next !== undefined) await this.#putBack(now, before.record, before.snapshot);
      if (this.#registry.get(before.record.key)?.state === 'failed') this.#parts.supervisor.steeredInVain(before.record.key, before.snapshot, planned);
      throw error;
    }
    // What was suspended by request goes on by request.
    if (paused || (before.record.state === 'suspended' && before.record.reason === 'request')) await this.suspend(now);
    this.#parts.announce('plugin:reloaded', this.#ledger.fact(this.#ledger.require(now)));
    return now;
  }

  /** A plugin that was stopped for another package that can't start is there again, running when it ran. */
  async #putBack(key: string, before: PluginRecord, snapshot: Snapshot | undefined): Promise<void> {
    const ran = isRunning(before) || isAsleep(before);
    await this.#turns.run(key, async () => {
      await this.#deactivate(key);
      // Somebody else may have installed that version meanwhile: it is theirs then.
      if (before.key !== key && this.#registry.get(before.key) !== undefined) {
        this.#registry.remove(key);
        this.#resolveAll();
        return;
      }
      this.#registry.rename(key, before.state === 'discovered' || before.state === 'failed' ? before : asValidated(before));
      if (snapshot !== undefined && ran) this.#handover.set(before.key, snapshot);
      this.#resolveAll();
      if (before.state === 'unloaded') await this.#deactivate(before.key);
    });
    if (!ran) return;
    try {
      await this.#begin(before.key, { activatedBy: 'reload', named: true });
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `${before.id} could not be started as it was: ${messageOf(error)}`, { plugin: before.id });
    }
  }

  /** A reload takes what is there now, not what was read before. */
  #readAnew(found: PluginPackage): void {
    this.#parts.code.forget(found);
    this.#parts.shared.forget(found);
  }

  /** What the next guest begins with: the state as it is, or the last one that was taken of who can't be asked any more. */
  async #snapshot(record: PluginRecord): Promise<Snapshot | undefined> {
    if (isAsleep(record)) return record.snapshot;
    const last = this.#parts.supervisor.snapshot(record.key);
    if (record.state !== 'active' && record.state !== 'suspended') return record.state === 'failed' ? last : undefined;
    if (record.connection.has('getState') && !(await record.connection.alive(ALIVE))) {
      this.#parts.log.write('kernel', 'warn', `${record.id} does not answer: it is restarted with the state of its last snapshot`, { plugin: record.id });
      return last;
    }
    // What is held doesn't disturb it, and what is in flight still belongs to its state.
    if (record.connection.registrations.held && record.connection.has('getState')) await record.connection.drained(Math.min(this.#parts.limits.swap, PATIENCE));
    return takeSnapshot(record.connection, record, this.#parts.limits.hook);
  }

  // --- stopping --------------------------------------------------------------------------------------------------

  async #deactivate(key: string): Promise<void> {
    const record = this.#registry.get(key);
    if (record === undefined) return;
    if (isAsleep(record)) {
      record.registrations.close(gone(record.id));
      this.#ledger.advance({ ...asResolved(record), state: 'unloaded' }, 'plugin:unloaded');
      this.#dependants.tell();
      return;
    }
    if (record.state === 'resolved') {
      // Nothing but its name, or who asks for it by name, starts it from now on.
      this.#stopListening(key, gone(record.id));
      this.#ledger.advance({ ...record, state: 'unloaded' }, 'plugin:unloaded');
    }
    if (!isRunning(record)) return;
    this.#forgetActive(key);
    // Out of `active` first, so that the end of the guest isn't taken for a crash.
    this.#registry.put({ ...asResolved(record), state: 'unloaded' });
    this.#leaving.add(key);
    const { record: unloaded, problem } = await deactivate(record, this.#parts);
    this.#leaving.delete(key);
    if (problem !== undefined) {
      const error = createError('plugin/deactivation-failed', `${record.id} was stopped, but failed while stopping: ${messageOf(problem)}`, { plugin: record.id, cause: problem });
      this.#parts.log.write('kernel', 'error', error.message, { code: error.code });
    }
    this.#parts.announce('plugin:deactivated', { id: record.id, version: unloaded.version });
    this.#ledger.advance(unloaded, 'plugin:unloaded');
    this.#dependants.tell();
  }

  /** A guest has ended. When nobody asked for it, that is a crash. */
  #guestEnded(key: string, connection: object, error: PluginError): void {
    const record = this.#registry.get(key);
    if (record === undefined || !isRunning(record) || record.connection !== connection) return;
    this.#forgetActive(key);
    record.scope.dispose().catch((problem) => this.#parts.log.write('kernel', 'error', messageOf(problem)));
    const { id, version } = record;
    this.#parts.announce('plugin:crashed', { id, version, reason: String(error.details.reason ?? error.code), code: error.code, message: error.message });
    const starting = record.state === 'loaded' || record.state === 'initialized';
    if (record.state === 'suspended' && record.reason === 'request') this.#paused.add(key);
    this.#ledger.fail(asResolved(record), starting ? 'activate' : 'run', error);
    if (!starting) {
      this.#parts.supervisor.crashed(key);
      if (this.#parts.supervisor.comeback(key) === undefined) void this.#dependants.pause(key);
    }
    this.#dependants.tell();
  }

  async #undo(running: RunningPlugin, asleep: AsleepPlugin | undefined): Promise<void> {
    await running.scope.dispose().catch(() => {});
    if (this.#stillRuns(running)) this.#registry.put(asleep ?? asResolved(running));
    await running.connection.terminate();
  }

  #forgetActive(key: string): void {
    const index = this.#activeOrder.indexOf(key);
    if (index !== -1) this.#activeOrder.splice(index, 1);
  }

  #end(ending: Promise<void>): void {
    const ended = ending.finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /**
   * A hook's outcome, unless the guest ended meanwhile: then its record is not what it was.
   *
   * @throws PluginLifecycleError `plugin/hook-failed`, PluginTimeoutError `plugin/timeout`, or what the guest ended with.
   */
  async #hook<R>(record: ActivePlugin | SuspendedPlugin, hook: string, running: Promise<R>): Promise<R> {
    try {
      const next = await running;
      if (this.#stillRuns(record)) return next;
    } catch (cause) {
      if (this.#stillRuns(record)) throw hookFailed(record.id, hook, cause);
    }
    throw await record.connection.ended;
  }

  /** Whether a record's guest is still the plugin's guest: records are replaced when something around them changes. */
  #stillRuns({ key, connection }: RunningPlugin): boolean {
    const record = this.#registry.get(key);
    return record !== undefined && isRunning(record) && record.connection === connection;
  }

  // --- who has not been started ----------------------------------------------------------------------------------

  #resolveAll(): void {
    this.#admission.resolveAll();
    this.#listen();
  }

  /** Listens for the events and hooks that activate plugins which have not been started. */
  #listen(): void {
    for (const record of this.#registry.all()) {
      const { key } = record;
      if (record.state !== 'resolved' || !this.isEnabled(key)) {
        if (!this.isEnabled(key)) this.#stopListening(key, gone(record.id));
        continue;
      }
      if (this.#listening.has(key) || this.#activating.has(key)) continue;
      const listening = listenFor(record, this.#parts, (activation) => this.#wake(key, activation));
      if (listening !== undefined) this.#listening.set(key, listening);
    }
  }
}

/** What a plugin starts from, or the reason why it can't. */
function startable(record: PluginRecord): ResolvedPlugin {
  if (record.state === 'resolved') return record;
  if (record.state === 'unloaded') return asResolved(record);
  if (record.state === 'failed') {
    // One that can't be resolved any more has nothing to start from, whatever it had before.
    if (record.previous.state === 'resolved' && record.stage !== 'resolve') return record.previous;
    throw record.error;
  }
  throw illegal(record, 'activate');
}
