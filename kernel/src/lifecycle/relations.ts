/** Which plugins need which right now: what the graph has resolved, applied to running plugins. */
import { type PluginError, parseContractId, satisfies } from '@plinth/sdk/contract';
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
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { Blame } from './blame.js';
import { baseOf, mandatory, type Need } from './needs.js';
import type { Needing, Servers } from './servers.js';
import { Standby } from './standby.js';

/** Answers questions about records; changes nothing. */
export class Relations {
  /** Why a plugin can't run. */
  readonly why: Blame;
  /** What may yet serve a plugin that lacks something. */
  readonly standby: Standby;
  readonly #registry: PluginRegistry;
  readonly #host: HostContracts;
  readonly #servers: Servers;
  /** Plugins whose needs are being examined. Stops the recursion when plugins need each other. */
  readonly #asked = new Set<string>();

  constructor(registry: PluginRegistry, host: HostContracts, servers: Servers) {
    this.#servers = servers;
    this.#registry = registry;
    this.#host = host;
    this.why = new Blame(registry, servers, this);
    this.standby = new Standby(registry, servers, this);
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
    return this.missing(record) ?? this.lostNeed(record);
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
          (provider === undefined ? need.base === id : this.#servers.offers(provider, need)) &&
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
        (this.#suits(record, provider) ||
          mandatory(record).some((need) => this.#servers.offers(provider, need))),
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

  /** Whether what a plugin lacked when it failed is available now. */
  isBack(record: Needing, { path, contract }: PluginError['details']): boolean {
    if (typeof contract !== 'string')
      return (
        Array.isArray(path) &&
        this.#registry.versions(String(path[1])).some((one) => this.isThere(one.key))
      );
    const need = { contract, base: baseOf(contract) };
    return this.#isProvided(record, need);
  }

  /** The first required need without an available provider: its provider, or the contract. */
  lostNeed(record: RunningPlugin): string | undefined {
    const need = mandatory(record).find((one) => !this.#isProvided(record, one));
    if (need === undefined) return undefined;
    return this.nearest(record, need);
  }

  /** The provider that a plugin would have of a need: the one to blame. Without any, the contract. */
  nearest(record: Needing & Pick<ResolvedPlugin, 'dependencies'>, need: Need): string {
    const far = ({ key, state }: PluginRecord) => {
      const { restart, enabled } = this.#registry.plugin(key)?.intent ?? {};
      if (restart !== undefined) return 0;
      const mayStart = enabled === true && state !== 'failed' && state !== 'denied';
      return (mayStart ? 1 : 3) + Number(!record.dependencies.includes(key));
    };
    const [nearest] = [...this.#servers.ofNeed(record, need)].sort((a, b) => far(a) - far(b));
    return nearest?.key ?? need.contract;
  }

  /** Whether the host or an available plugin provides what a plugin needs. */
  #isProvided(record: { readonly id: string }, need: Need, except?: string): boolean {
    return (
      this.#host.has(need.base) ||
      this.#servers.ofNeed(record, need).some(({ key }) => key !== except && this.isThere(key))
    );
  }
}
