/** Which plugins need which right now: what the graph has resolved, applied to running plugins. */
import { createError, type PluginError, parseContractId, satisfies } from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import type { HostContracts } from '../commands/host-contracts.js';
import type { Plugin } from '../plugin/plugin.js';
import {
  type AsleepPlugin,
  isAsleep,
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type RunningPlugin,
  versionOf,
} from '../plugin/record.js';
import { cycleFailed, dependencyFailed } from '../registry/dependency-graph.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { baseOf, inCycle, mandatory, type Need, offers } from './needs.js';

/** Answers questions about records; changes nothing. */
export class Relations {
  readonly #registry: PluginRegistry;
  readonly #host: HostContracts;
  readonly #isOpen: IsOpen;
  /** Plugins whose needs are being examined. Stops the recursion when plugins need each other. */
  readonly #asked = new Set<string>();

  constructor(registry: PluginRegistry, host: HostContracts, isOpen: IsOpen) {
    this.#isOpen = isOpen;
    this.#registry = registry;
    this.#host = host;
  }

  /** Whether others may rely on a plugin. A sleeping one wakes; a suspended one's calls wait. */
  isThere(key: string): boolean {
    const plugin = this.#registry.plugin(key);
    if (plugin === undefined || plugin.going) return false;
    if (plugin.waking) return true;
    const { record } = plugin;
    if (record.state !== 'suspended' && record.state !== 'active') return false;
    if (record.state === 'suspended' && record.reason === 'dependency') return false;
    // One that has lost a dependency is about to pause, or can't resume.
    if (!isRunning(record) || this.#asked.has(key)) return true;
    this.#asked.add(key);
    try {
      return this.lost(record) === undefined;
    } finally {
      this.#asked.delete(key);
    }
  }

  /** Whether a plugin, or another suitable version of it, is available to another plugin. */
  #isThereFor(
    { manifest }: ResolvedPlugin | RunningPlugin | AsleepPlugin,
    key: string,
    except?: string,
  ): boolean {
    if (key !== except && this.isThere(key)) return true;
    const range = manifest.dependencies[idOf(key)];
    return (
      range !== undefined &&
      this.#registry
        .versions(idOf(key))
        .some(
          (other) =>
            other.key !== except &&
            satisfies(versionOf(other) as string, range) &&
            this.isThere(other.key),
        )
    );
  }

  /** The key of a plugin that another one requires and that isn't available. */
  missing(record: ResolvedPlugin | RunningPlugin): string | undefined {
    return record.dependencies.find(
      (key) =>
        Object.hasOwn(record.manifest.dependencies, idOf(key)) && !this.#isThereFor(record, key),
    );
  }

  /** {@link missing}, with a running plugin's code needs: a contract without known provider. */
  lost(record: RunningPlugin): string | undefined {
    return this.missing(record) ?? this.#lostNeed(record);
  }

  /** Running plugins that directly require a plugin or host contract, with no other provider. */
  dependants(key: string): readonly RunningPlugin[] {
    return this.reliant(key).filter(isRunning);
  }

  /** {@link dependants} and sleeping ones, which get what they need when they wake. */
  reliant(key: string): readonly (RunningPlugin | AsleepPlugin)[] {
    const id = idOf(key);
    const provider = this.#registry.get(key);
    const depends = (record: RunningPlugin | AsleepPlugin) =>
      Object.hasOwn(record.manifest.dependencies, id) &&
      record.dependencies.some(
        (needed) => idOf(needed) === id && !this.#isThereFor(record, needed, key),
      );
    const needs = (record: RunningPlugin | AsleepPlugin) =>
      mandatory(record).some(
        (need) =>
          (provider === undefined ? need.base === id : offers(provider, need)) &&
          !this.#isProvided(record, need, key),
      );
    return this.#registry
      .all()
      .filter(
        (record): record is RunningPlugin | AsleepPlugin =>
          (isRunning(record) || isAsleep(record)) && (depends(record) || needs(record)),
      );
  }

  /** Whether one of the given plugins requires a plugin, whatever else provides the same. */
  isNeeded(key: string, by: readonly Plugin[]): boolean {
    const provider = this.#registry.get(key);
    if (provider === undefined) return false;
    return by.some(
      ({ record }) =>
        isRunning(record) &&
        record.key !== key &&
        (this.#suits(record, provider) || mandatory(record).some((need) => offers(provider, need))),
    );
  }

  /**
   * Whether a version is in the range that a plugin requires. The graph names the version that it
   * prefers, and another one may run.
   */
  #suits({ manifest }: RunningPlugin, other: PluginRecord): boolean {
    const range = Object.hasOwn(manifest.dependencies, other.id)
      ? manifest.dependencies[other.id]
      : undefined;
    const version = versionOf(other);
    return range !== undefined && version !== undefined && satisfies(version, range);
  }

  /** Every version that could be what a plugin has lost: one that it names, or any in its range. */
  candidates(record: RunningPlugin, lost: string): readonly PluginRecord[] {
    return this.#registry
      .versions(idOf(lost))
      .filter((other) => other.key === lost || this.#suits(record, other));
  }

  /** Checks that each required need of the code has a provider. They were activated before. */
  checkNeeds(record: RunningPlugin): void {
    const lost = this.#lostNeed(record);
    if (lost === undefined) return;
    // Manifests only order needs. An earlier start here means that the graph cut a cycle.
    const cut = this.#isStarting(lost) ? this.#wayTo(lost, record.id) : undefined;
    const error =
      cut === undefined ? this.blame(record, lost) : cycleFailed('start', [record.id, ...cut]);
    throw inCycle(record.id, error) ?? error;
  }

  /** Contracts that an available plugin provides. */
  provided(): ReadonlySet<string> {
    return new Set(
      this.#registry
        .all()
        .flatMap((one) =>
          'statics' in one && one.statics.provides.length > 0 && this.isThere(one.key)
            ? one.statics.provides
            : [],
        ),
    );
  }

  /** Names of a plugin's needs that those contracts, or the host, meet. */
  metNeeds(record: RunningPlugin, provided?: ReadonlySet<string>): readonly string[] {
    if (record.statics.needs.length === 0) return [];
    const known = provided ?? this.provided();
    return record.statics.needs
      .filter(
        (need) =>
          parseContractId(need.contract) !== undefined &&
          (known.has(need.contract) || this.#host.has(baseOf(need.contract))),
      )
      .map((need) => need.name);
  }

  /** Why a plugin can't run without another plugin, or without a contract. */
  blame(
    record: { readonly id: string },
    dependency: string,
    above: readonly string[] = [],
  ): PluginError {
    const other = this.#registry.get(dependency);
    const id = idOf(dependency);
    // Plugins that need each other are blamed only once.
    const lost =
      other?.state === 'suspended' && isRunning(other) && !above.includes(dependency)
        ? this.lost(other)
        : undefined;
    if (other !== undefined && lost !== undefined)
      return dependencyFailed(record.id, id, this.blame(other, lost, [...above, dependency]));
    if (other?.state === 'failed' || other?.state === 'denied')
      return (
        inCycle(record.id, other.error as Partial<PluginError>) ??
        dependencyFailed(record.id, id, other.error)
      );
    const wanted = other === undefined && parseContractId(dependency) !== undefined;
    const message = wanted
      ? `no plugin or host provides ${dependency}`
      : `${id} ${this.#fate(other)}`;
    return dependencyFailed(
      record.id,
      id,
      createError('plugin/unavailable', message, {
        plugin: id,
        ...(wanted && { details: { contract: dependency } }),
      }),
    );
  }

  /** Whether the host or an available plugin provides a contract. */
  isProvidedNow(contract: string): boolean {
    return this.#host.has(baseOf(contract)) || this.provided().has(contract);
  }

  /** The state of a plugin that another one can't rely on. */
  #fate(record: PluginRecord | undefined): string {
    if (record === undefined) return 'is not installed';
    if (!this.#registry.isEnabled(record.key)) return 'was disabled';
    switch (record.state) {
      case 'unloaded':
        return 'was stopped';
      case 'active':
        return 'is about to stop, or has just come back';
      case 'suspended':
        return 'is suspended';
      case 'loaded':
      case 'initialized':
        return 'is starting';
      default:
        return 'has not been started';
    }
  }

  /** The first required need without an available provider: its provider, or the contract. */
  #lostNeed(record: RunningPlugin): string | undefined {
    const need = mandatory(record).find((one) => !this.#isProvided(record, one));
    if (need === undefined) return undefined;
    const providers = this.#providers(record, need);
    return (
      (providers.find(({ key }) => record.dependencies.includes(key)) ?? providers[0])?.key ??
      need.contract
    );
  }

  /** Whether the host or an available plugin provides what a plugin needs. */
  #isProvided(record: RunningPlugin | AsleepPlugin, need: Need, except?: string): boolean {
    return (
      this.#host.has(need.base) ||
      this.#providers(record, need).some(({ key }) => key !== except && this.isThere(key))
    );
  }

  /** Other plugins that provide what a plugin needs, available or not. */
  #providers(record: RunningPlugin | AsleepPlugin, need: Need): readonly PluginRecord[] {
    const known = this.#isOpen(need.base)
      ? this.#registry.all()
      : this.#registry.versions(need.base);
    return known.filter((one) => one.id !== record.id && offers(one, need));
  }

  /** Whether a plugin is starting, or still to be started. */
  #isStarting(key: string): boolean {
    const state = this.#registry.get(key)?.state;
    return (
      (state === 'resolved' || state === 'loaded' || state === 'initialized') &&
      this.#registry.isEnabled(key)
    );
  }

  /** The ids on the path from a plugin to another, as the graph has resolved them. */
  #wayTo(from: string, id: string): readonly string[] | undefined {
    const seen = new Set([from]);
    const ways = [[from]];
    for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
      const last = way.at(-1) as string;
      if (idOf(last) === id) return way.map(idOf);
      const record = this.#registry.get(last);
      if (record === undefined || !('dependencies' in record)) continue;
      for (const next of record.dependencies) {
        if (seen.has(next)) continue;
        seen.add(next);
        ways.push([...way, next]);
      }
    }
    return undefined;
  }
}
