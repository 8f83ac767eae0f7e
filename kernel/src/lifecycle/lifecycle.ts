/**
 * Advances plugins through their stages. Only this file replaces records and announces it. Operations on one plugin run
 * one after the other; several requests to activate share one run. What an operation needs of other plugins is done
 * outside its turn, so that two operations never wait for each other.
 */
import { createError, messageOf, type PluginError, parseContractId } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import type { KernelParts } from '../parts.js';
import {
  type ActivePlugin,
  asResolved,
  type DiscoveredPlugin,
  type FailedPlugin,
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type RunningPlugin,
  type ValidatedPlugin,
} from '../record.js';
import { dependencyFailed } from '../registry/dependency-graph.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { activate } from './activate.js';
import { deactivate } from './deactivate.js';
import { discover, discovered } from './discover.js';
import { initialize } from './initialize.js';
import { load } from './load.js';
import { resolve } from './resolve.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import type { Stage } from './stage.js';
import { resume, suspend } from './suspend.js';
import { isSwappable, retire, swap } from './swap.js';
import { type Surroundings, validate } from './validate.js';

/** Owns the registry's records and the guests behind them. */
export class Lifecycle {
  readonly #registry: PluginRegistry;
  readonly #parts: KernelParts;
  readonly #surroundings: Surroundings;
  /** The last operation of each plugin: the next one waits for it. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Activations in flight, dependencies included. */
  readonly #activating = new Map<string, Promise<void>>();
  /** Plugins in the order of their activation, to be stopped in reverse. */
  readonly #activeOrder: string[] = [];
  readonly #sourceProblems: PluginError[] = [];
  /** Guests that have been replaced and finish their calls. */
  readonly #retiring = new Set<Promise<void>>();
  #stopped = false;

  constructor(registry: PluginRegistry, parts: KernelParts) {
    this.#registry = registry;
    this.#parts = parts;
    const runtimes = parts.hosts.flatMap((host) => (host.runtime === undefined ? [] : [host.runtime]));
    this.#surroundings = { version: parts.version, runtimes, policy: parts.policy };
  }

  /** Why sources found less than they should. */
  get sourceProblems(): readonly PluginError[] {
    return this.#sourceProblems;
  }

  /** Discovers, validates and resolves everything that the sources have. One bad plugin never stops the others. */
  async discover(sources: readonly PluginSource[]): Promise<void> {
    const all: DiscoveredPlugin[] = [];
    for (const source of sources) {
      const { found, problem } = await discover(source);
      all.push(...found);
      if (problem !== undefined) {
        this.#sourceProblems.push(problem);
        this.#parts.log.write('kernel', 'error', problem.message, { code: problem.code });
      }
    }
    this.#admit(all);
    this.#resolveAll();
  }

  /** Activates every resolved plugin that asks for an activation event; failures are recorded, not thrown. */
  async activateAll(event: string): Promise<void> {
    const wanting = this.#registry.all().filter((record): record is ResolvedPlugin => record.state === 'resolved' && record.manifest.activation.includes(event));
    const queue = wanting.sort((a, b) => a.level - b.level).map((record) => record.id);
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        // One that failed already as a dependency isn't tried a second time.
        if (this.#registry.get(id)?.state === 'resolved') await this.activate(id, event).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#parts.limits.parallel, queue.length) }, worker));
  }

  /** Adds one package to a running kernel. Throws what is wrong with it; nothing is left then. */
  async install(found: PluginPackage): Promise<string> {
    const record = validate(discovered(found), this.#surroundings);
    const other = this.#registry.get(record.id);
    if (other !== undefined && other.state !== 'failed') throw duplicate(record, other);
    const others = this.#registry.all().flatMap((one) => (one.id === record.id || one.state === 'discovered' || one.state === 'failed' ? [] : [asValidated(one)]));
    const resolved = resolve([...others, record], this.#parts.policy.permissions).get(record.id);
    if (resolved instanceof Error) throw resolved;
    this.#registry.put(resolved as ResolvedPlugin);
    this.#parts.announce('plugin:installed', { id: record.id, version: record.version, origin: record.origin });
    this.#resolveAll();
    return record.id;
  }

  /** Stops a plugin and forgets it. */
  async uninstall(id: string): Promise<void> {
    this.#require(id);
    await this.deactivate(id);
    this.#registry.remove(id);
    this.#parts.announce('plugin:uninstalled', { id });
  }

  /** Brings a plugin to `active`, its dependencies first. Requests that come while it starts share its outcome. */
  activate(id: string, activatedBy = 'request'): Promise<void> {
    const current = this.#activating.get(id);
    if (current !== undefined) return current;
    if (activatedBy === 'request' && this.#registry.get(id)?.state === 'failed') this.#parts.supervisor.steered(id);
    return this.#begin(id, activatedBy, undefined);
  }

  /** Starts a plugin again whose guest has ended by itself. */
  async restart(id: string, snapshot: Snapshot | undefined): Promise<void> {
    const current = this.#activating.get(id);
    if (current !== undefined) return current;
    if (this.#registry.get(id)?.state === 'failed') await this.#begin(id, 'restart', snapshot);
  }

  #begin(id: string, activatedBy: string, snapshot: Snapshot | undefined): Promise<void> {
    const forget = () => void this.#activating.delete(id);
    const done = this.#bringUp(id, activatedBy, snapshot);
    this.#activating.set(id, done);
    done.then(forget, forget);
    return done;
  }

  /** Stops a plugin and, before it, everything that depends on it. */
  async deactivate(id: string): Promise<void> {
    this.#require(id);
    this.#parts.supervisor.steered(id);
    for (let tries = 1; ; tries++) {
      await this.#stopDependants(id);
      const stopped = await this.#exclusive(id, async () => {
        // One may have started again while this waited for its turn.
        if (tries < MAX_TRIES && this.#dependants(id).length > 0) return false;
        await this.#deactivate(id);
        return true;
      });
      if (stopped) return;
    }
  }

  /**
   * Replaces the guest by a fresh one, of another package when one is given. An active plugin is swapped while it runs:
   * when that fails it goes on as it was, and the rejection says why. Any other is stopped and started.
   */
  async reload(id: string, found?: PluginPackage): Promise<void> {
    const record = this.#require(id);
    // Before anything is touched: a package that can't be the next one changes nothing.
    const next = found === undefined ? undefined : this.#validateNext(id, found);
    if (record.state === 'active' && (await isSwappable(record))) {
      const resolved = next === undefined ? undefined : this.#resolveNext(next);
      await this.#activateDependencies(resolved ?? asResolved(record));
      if (await this.#exclusive(id, () => this.#swap(id, resolved))) return;
    }
    await this.#restart(id, next);
  }

  #validateNext(id: string, found: PluginPackage): ValidatedPlugin {
    const next = validate(discovered(found), this.#surroundings);
    if (next.id !== id) throw createError('plugin/illegal-transition', `cannot reload ${id} with a package of ${next.id}`, { plugin: id });
    return next;
  }

  /** Answers false when the plugin isn't active any more. */
  async #swap(id: string, next: ResolvedPlugin | undefined): Promise<boolean> {
    const old = this.#registry.get(id);
    if (old?.state !== 'active' || this.#stopped) return false;
    const resolved = next ?? asResolved(old);
    const started = performance.now();
    let active: ActivePlugin;
    try {
      active = await swap(old, resolved, this.#parts, {
        checkNeeds: (loaded) => this.#checkNeeds(loaded),
        availableNeeds: (loaded) => this.#availableNeeds(loaded),
        stillThere: () => this.#registry.get(id) === old && !this.#stopped,
        replace: (record) => this.#registry.put(record),
      });
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `could not replace ${id}: ${messageOf(error)}`, { plugin: id });
      throw error instanceof Error && 'code' in error ? error : activationFailed(id, 'activate', error);
    }
    const { connection } = active;
    connection.onEnd = (error) => this.#guestEnded(id, connection, error);
    void connection.ended.then((error) => this.#guestEnded(id, connection, error));
    this.#parts.supervisor.started(id, active.version, connection);
    const retiring = retire(old, this.#parts).finally(() => this.#retiring.delete(retiring));
    this.#retiring.add(retiring);
    this.#resolveAll();
    this.#updateNeeds();
    this.#parts.announce('plugin:activated', { ...this.#fact(id), activatedBy: 'reload', took: performance.now() - started });
    this.#parts.announce('plugin:reloaded', this.#fact(id));
    return true;
  }

  /** What a package would be, when neither it nor anybody who depends on it goes without something for it. */
  #resolveNext(next: ValidatedPlugin): ResolvedPlugin {
    const others = this.#registry.all().flatMap((one) => (one.id === next.id || one.state === 'discovered' || one.state === 'failed' ? [] : [asValidated(one)]));
    const resolved = resolve([...others, next], this.#parts.policy.permissions);
    for (const id of [next.id, ...this.#dependants(next.id)]) {
      const outcome = resolved.get(id);
      if (outcome instanceof Error) throw outcome;
    }
    return resolved.get(next.id) as ResolvedPlugin;
  }

  /** Stops a plugin and what depends on it, and starts all of them again; state is handed over when the plugin offers it. */
  async #restart(id: string, next: ValidatedPlugin | undefined): Promise<void> {
    this.#parts.supervisor.steered(id);
    const stoppedWithIt = this.#activeDependants(id);
    await this.#stopDependants(id);
    const snapshot = await this.#exclusive(id, async () => {
      const record = this.#require(id);
      const state = await this.#snapshot(record);
      await this.#deactivate(id);
      if (next !== undefined) this.#registry.put(next);
      else if (record.state === 'failed' && record.previous.state !== 'resolved') this.#registry.put(record.previous);
      this.#resolveAll();
      return state;
    });
    await this.#bringUp(id, 'reload', snapshot);
    this.#parts.announce('plugin:reloaded', this.#fact(id));
    await Promise.all(stoppedWithIt.map((dependant) => this.activate(dependant, `need:${id}`).catch(() => {})));
  }

  suspend(id: string): Promise<void> {
    return this.#exclusive(id, async () => {
      const record = this.#require(id);
      if (record.state === 'suspended') return;
      if (record.state !== 'active') throw illegal(record, 'suspend');
      this.#replace(await suspend(record, this.#parts), 'plugin:suspended');
    });
  }

  resume(id: string): Promise<void> {
    return this.#exclusive(id, async () => {
      const record = this.#require(id);
      if (record.state === 'active') return;
      if (record.state !== 'suspended') throw illegal(record, 'resume');
      this.#replace(await resume(record, this.#parts), 'plugin:resumed');
    });
  }

  /** Hands changed settings to a running plugin; rejects with its refusal, and then it keeps the old ones. */
  async reconfigure(id: string): Promise<void> {
    const record = this.#registry.get(id);
    if (record === undefined || (record.state !== 'active' && record.state !== 'suspended')) return;
    const answer = await record.connection.ask('configure', this.#parts.limits.hook, this.#parts.config.get(id));
    if (answer === 'restart') await this.reload(id);
  }

  /** Stops everything, the latest started first. The kernel can't be started again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled([...this.#activating.values(), ...this.#turns.values()]);
    for (const id of [...this.#activeOrder].reverse()) await this.deactivate(id).catch(() => {});
    for (const record of this.#registry.all()) if (isRunning(record)) await this.deactivate(record.id).catch(() => {});
    await Promise.allSettled([...this.#retiring]);
  }

  // --- stages --------------------------------------------------------------------------------------------------

  /** Sound packages take their ids first, so that a broken one never stands in the way of a sound one with its id. */
  #admit(found: readonly DiscoveredPlugin[]): void {
    const failures: { readonly record: DiscoveredPlugin; readonly error: unknown }[] = [];
    for (const one of found) {
      const record = { ...one, id: this.#registry.freeName(one.id) };
      this.#registry.put(record);
      this.#parts.announce('plugin:discovered', { id: record.id, origin: record.origin });
      try {
        const validated = validate(record, this.#surroundings);
        const other = this.#registry.get(validated.id);
        if (other !== undefined && other !== record) throw duplicate(validated, other);
        this.#registry.rename(record.id, validated);
        this.#parts.announce('plugin:validated', { id: validated.id, version: validated.version });
      } catch (error) {
        failures.push({ record, error });
      }
    }
    for (const { record, error } of failures) {
      const claimed = (error as Partial<PluginError>).plugin;
      const named = claimed === undefined || this.#registry.get(claimed) !== undefined ? record : { ...record, id: claimed };
      this.#registry.rename(record.id, named);
      this.#fail(named, 'validate', error, named);
    }
  }

  /** Resolves what has no guest yet; what runs already stays as it is. */
  #resolveAll(): void {
    const known = this.#registry.all();
    const candidates = known.flatMap((record) => {
      if (record.state === 'failed') return record.stage === 'resolve' && record.previous.state !== 'discovered' ? [asValidated(record.previous)] : keepsWorking(record);
      return record.state === 'discovered' ? [] : [asValidated(record)];
    });
    for (const [id, resolved] of resolve(candidates, this.#parts.policy.permissions)) {
      const record = this.#registry.get(id) as PluginRecord;
      const pending = record.state === 'validated' || record.state === 'resolved' || (record.state === 'failed' && record.stage === 'resolve');
      if (!pending) continue;
      if (resolved instanceof Error) this.#fail(record.state === 'failed' ? record.previous : record, 'resolve', resolved, record.state === 'failed' ? record.previous : record);
      else if (record.state === 'resolved') this.#registry.put(resolved);
      else this.#replace(resolved, 'plugin:resolved');
    }
  }

  /** Activates dependencies, then the plugin in its turn; again when a dependency was stopped in between. */
  async #bringUp(id: string, activatedBy: string, snapshot: Snapshot | undefined): Promise<void> {
    for (let tries = 1; ; tries++) {
      const record = this.#require(id);
      if (record.state !== 'active' && record.state !== 'suspended') await this.#activateDependencies(startable(record));
      const missing = await this.#exclusive(id, () => this.#activate(id, activatedBy, snapshot));
      if (missing === undefined) return;
      if (tries === MAX_TRIES) throw this.#dependencyMissing(startable(this.#require(id)), missing);
    }
  }

  /** Answers undefined when the plugin is active, or the dependency that isn't any more. */
  async #activate(id: string, activatedBy: string, snapshot: Snapshot | undefined): Promise<string | undefined> {
    const record = this.#require(id);
    if (this.#stopped) throw createError('kernel/stopped', `cannot activate ${id}: the kernel has stopped`, { plugin: id });
    if (record.state === 'active') return undefined;
    if (record.state === 'suspended') {
      this.#replace(await resume(record, this.#parts), 'plugin:resumed');
      return undefined;
    }
    const resolved = startable(record);
    const missing = this.#missingDependency(resolved);
    if (missing !== undefined) return missing;
    const started = performance.now();
    let stage: Stage = 'load';
    let running: RunningPlugin | undefined;
    try {
      running = this.#replace(await load(resolved, this.#parts), 'plugin:loaded');
      this.#checkNeeds(running);
      const { connection } = running;
      connection.onEnd = (error) => this.#guestEnded(id, connection, error);
      // One that was over before anybody could be told.
      void connection.ended.then((error) => this.#guestEnded(id, connection, error));
      stage = 'initialize';
      running = this.#replace(await initialize(running, this.#parts), 'plugin:initialized');
      stage = 'activate';
      running = await activate(running, activatedBy, this.#availableNeeds(running), snapshot, this.#parts);
      if (this.#registry.get(id)?.state !== 'initialized') throw await running.connection.ended;
      const lost = this.#missingDependency(resolved);
      if (lost !== undefined) {
        await this.#undo(running);
        return lost;
      }
      this.#registry.put(running);
    } catch (error) {
      const wrapped = stage === 'load' ? loadFailed(id, error) : activationFailed(id, stage, error);
      // The record of a crash that came first stands: it names the cause.
      const crashed = running === undefined ? undefined : this.#registry.get(id);
      if (crashed?.state === 'failed') throw crashed.error;
      if (running !== undefined) await this.#undo(running);
      this.#fail(resolved, stage, wrapped, resolved);
      throw wrapped;
    }
    this.#activeOrder.push(id);
    this.#parts.supervisor.started(id, running.version, running.connection);
    const took = performance.now() - started;
    this.#parts.announce('plugin:activated', { ...this.#fact(id), activatedBy, took });
    this.#updateNeeds();
    return undefined;
  }

  /** One that is only wished for may fail: what can't be done without is known by the manifest's dependencies. */
  async #activateDependencies(record: ResolvedPlugin): Promise<void> {
    const start = (dependency: string) => {
      const known = this.#registry.get(dependency);
      const comeback = this.#parts.supervisor.comeback(dependency);
      if (comeback !== undefined) return comeback.then(() => this.activate(dependency, `need:${record.id}`));
      // Somebody has to ask for a failed one by name: being needed is no reason to try it again and again.
      return known?.state === 'failed' ? Promise.reject(known.error) : this.activate(dependency, `need:${record.id}`);
    };
    const results = await Promise.allSettled(record.dependencies.map(start));
    const failed = record.dependencies.find((dependency, index) => results[index]?.status === 'rejected' && Object.hasOwn(record.manifest.dependencies, dependency));
    if (failed !== undefined) throw this.#dependencyMissing(record, failed);
  }

  #missingDependency({ manifest }: ResolvedPlugin): string | undefined {
    return Object.keys(manifest.dependencies).find((dependency) => this.#registry.get(dependency)?.state !== 'active');
  }

  /** Records and answers the failure of a plugin whose dependency doesn't run. */
  #dependencyMissing(record: ResolvedPlugin, dependency: string): Error {
    const other = this.#registry.get(dependency);
    const cause = other?.state === 'failed' ? other.error : createError('plugin/unavailable', `${dependency} is ${other?.state ?? 'not installed'}`, { plugin: dependency });
    const error = dependencyFailed(record.id, dependency, cause);
    this.#fail(record, 'activate', error, record);
    return error;
  }

  /** Needs that the code can't do without must be provided by now: their providers were activated before. */
  #checkNeeds(record: RunningPlugin): void {
    for (const { contract, optional } of record.statics.needs) {
      const base = parseContractId(contract)?.base ?? contract;
      if (optional || base === record.id) continue;
      const provider = this.#registry.all().find((one) => one.id === base || (isRunning(one) && one.statics.provides.includes(contract)));
      if (provider?.state === 'active' || this.#parts.commands.all().some((entry) => entry.id.startsWith(`${base}:`))) continue;
      const cause =
        provider?.state === 'failed' ? provider.error : createError('plugin/unsatisfied', `nobody provides ${contract}`, { plugin: record.id, details: { needs: contract } });
      throw dependencyFailed(record.id, base, cause);
    }
  }

  async #deactivate(id: string): Promise<void> {
    const record = this.#registry.get(id);
    if (record === undefined || !isRunning(record)) return;
    this.#forgetActive(id);
    // Out of `active` first, so that the end of the guest isn't taken for a crash.
    this.#registry.put({ ...asResolved(record), state: 'unloaded' });
    const { record: unloaded, problem } = await deactivate(record, this.#parts);
    if (problem !== undefined) {
      const error = createError('plugin/deactivation-failed', `${id} was stopped, but failed while stopping: ${messageOf(problem)}`, { plugin: id, cause: problem });
      this.#parts.log.write('kernel', 'error', error.message, { code: error.code });
    }
    this.#parts.announce('plugin:deactivated', { id, version: unloaded.version });
    this.#replace(unloaded, 'plugin:unloaded');
    this.#updateNeeds();
  }

  async #snapshot(record: PluginRecord): Promise<Snapshot | undefined> {
    return record.state === 'active' || record.state === 'suspended' ? takeSnapshot(record.connection, record, this.#parts.limits.hook) : undefined;
  }

  /** A guest has ended. When nobody asked for it, that is a crash. */
  #guestEnded(id: string, connection: object, error: PluginError): void {
    const record = this.#registry.get(id);
    if (record === undefined || !isRunning(record) || record.connection !== connection) return;
    this.#forgetActive(id);
    record.scope.dispose().catch((problem) => this.#parts.log.write('kernel', 'error', messageOf(problem)));
    this.#parts.announce('plugin:crashed', { id, version: record.version, reason: String(error.details.reason ?? error.code), code: error.code, message: error.message });
    const starting = record.state === 'loaded' || record.state === 'initialized';
    this.#fail(asResolved(record), starting ? 'activate' : 'run', error, asResolved(record));
    if (!starting) this.#parts.supervisor.crashed(id);
    this.#updateNeeds();
  }

  async #undo(running: RunningPlugin): Promise<void> {
    await running.scope.dispose().catch(() => {});
    this.#registry.put(asResolved(running));
    await running.connection.terminate();
  }

  async #stopDependants(id: string): Promise<void> {
    await Promise.all(this.#dependants(id).map((dependant) => this.deactivate(dependant)));
  }

  #forgetActive(id: string): void {
    const index = this.#activeOrder.indexOf(id);
    if (index !== -1) this.#activeOrder.splice(index, 1);
  }

  // --- needs ---------------------------------------------------------------------------------------------------

  #dependants(id: string): readonly string[] {
    return this.#registry
      .all()
      .filter((record) => isRunning(record) && record.dependencies.includes(id) && this.#mustHave(record, id))
      .map((record) => record.id);
  }

  /** Everything active that stops when a plugin stops, directly or not. */
  #activeDependants(id: string): readonly string[] {
    const found = new Set<string>();
    const queue = [id];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const dependant of this.#dependants(next)) {
        if (found.has(dependant)) continue;
        found.add(dependant);
        queue.push(dependant);
      }
    }
    return [...found];
  }

  /** Whether a running plugin can't do without another: by its dependencies, or by a need that isn't optional. */
  #mustHave(record: RunningPlugin, id: string): boolean {
    if (Object.hasOwn(record.manifest.dependencies, id)) return true;
    return record.statics.needs.some((need) => !need.optional && need.contract.startsWith(`${id}@`));
  }

  #availableNeeds(record: RunningPlugin): readonly string[] {
    const provided = new Set(this.#registry.all().flatMap((one) => (one.state === 'active' ? one.statics.provides : [])));
    return record.statics.needs.filter((need) => provided.has(need.contract) && parseContractId(need.contract) !== undefined).map((need) => need.name);
  }

  /** Tells plugins with optional needs who is there now. */
  #updateNeeds(): void {
    for (const record of this.#registry.all()) {
      if (record.state !== 'active' || !record.statics.needs.some((need) => need.optional)) continue;
      const available = this.#availableNeeds(record);
      const before = this.#lastNeeds.get(record.connection);
      if (before === available.join()) continue;
      this.#lastNeeds.set(record.connection, available.join());
      record.connection.ask('needs', this.#parts.limits.hook, available).catch(() => {});
      if (before !== undefined) this.#parts.announce('need:changed', { id: record.id, version: record.version, available });
    }
  }
  readonly #lastNeeds = new WeakMap<object, string>();

  // --- records -------------------------------------------------------------------------------------------------

  #require(id: string): PluginRecord {
    const record = this.#registry.get(id);
    if (record === undefined) throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return record;
  }

  #replace<R extends RunningPlugin | ResolvedPlugin | Extract<PluginRecord, { state: 'unloaded' }>>(
    record: R,
    topic: 'plugin:resolved' | 'plugin:loaded' | 'plugin:initialized' | 'plugin:suspended' | 'plugin:resumed' | 'plugin:unloaded',
  ): R {
    this.#registry.put(record);
    this.#parts.announce(topic, { id: record.id, version: record.version });
    return record;
  }

  #fail(record: { readonly id: string; readonly origin: string; readonly package: PluginPackage }, stage: Stage, thrown: unknown, previous: FailedPlugin['previous']): void {
    const error = thrown instanceof Error ? thrown : createError('plugin/activation-failed', messageOf(thrown), { plugin: record.id });
    this.#registry.put({ state: 'failed', id: record.id, origin: record.origin, package: record.package, stage, error, previous });
    const code = typeof (error as Partial<PluginError>).code === 'string' ? (error as PluginError).code : 'plugin/activation-failed';
    this.#parts.log.write('kernel', 'error', error.message, { code, plugin: record.id, stage });
    this.#parts.announce('plugin:failed', { id: record.id, stage, code, message: error.message });
  }

  #fact(id: string): { readonly id: string; readonly version?: string } {
    const record = this.#registry.get(id);
    return record !== undefined && 'version' in record ? { id, version: record.version } : { id };
  }

  /** Runs an operation when those before it on the same plugin are over. It must not wait for another plugin. */
  #exclusive<T>(id: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const done = before.then(run, run);
    this.#turns.set(id, done);
    const forget = () => {
      if (this.#turns.get(id) === done) this.#turns.delete(id);
    };
    done.then(forget, forget);
    return done;
  }
}

/** How often an operation is tried anew because another one changed a dependency while it waited for its turn. */
const MAX_TRIES = 10;

function asValidated(record: Exclude<PluginRecord, DiscoveredPlugin | FailedPlugin>): ValidatedPlugin {
  const { id, origin, package: found, version, manifest } = record;
  return { state: 'validated', id, origin, package: found, version, manifest };
}

/** A plugin that failed later than resolving is still there to be depended upon: it may be started again. */
function keepsWorking(record: FailedPlugin): ValidatedPlugin[] {
  return record.previous.state === 'resolved' ? [asValidated(record.previous)] : [];
}

/** What a plugin starts from, or the reason why it can't. */
function startable(record: PluginRecord): ResolvedPlugin {
  if (record.state === 'resolved') return record;
  if (record.state === 'unloaded') return asResolved(record);
  if (record.state === 'failed') {
    if (record.previous.state === 'resolved') return record.previous;
    throw record.error;
  }
  throw illegal(record, 'activate');
}

function loadFailed(id: string, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (cause instanceof Error && typeof code === 'string' && code.includes('/')) return cause;
  return createError('plugin/load-failed', `cannot load ${id}: ${messageOf(cause)}`, { plugin: id, cause });
}

function activationFailed(id: string, stage: Stage, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (code === 'config/invalid' || code === 'plugin/timeout') return cause as Error;
  return createError('plugin/activation-failed', `cannot activate ${id}: ${stage === 'initialize' ? 'configure' : 'activate'} failed: ${messageOf(cause)}`, {
    plugin: id,
    details: { stage },
    cause,
  });
}

function duplicate(record: ValidatedPlugin, other: PluginRecord): PluginError {
  const otherVersion = 'version' in other ? other.version : 'unknown';
  return createError(
    'plugin/duplicate',
    `two plugins are called ${record.id}: ${record.version} in ${record.origin}, and ${otherVersion} in ${other.origin}; the first one found is used`,
    {
      plugin: record.id,
      details: { origins: [other.origin, record.origin], versions: [otherVersion, record.version] },
    },
  );
}

function illegal(record: PluginRecord, operation: string): PluginError {
  return createError('plugin/illegal-transition', `cannot ${operation} ${record.id}: it is ${record.state}`, { plugin: record.id, details: { state: record.state, operation } });
}
