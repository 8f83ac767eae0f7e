/** Why a plugin can't run: what it lacks, and what is wrong with that. */
import { createError, type PluginError, parseContractId } from '@plinth/sdk/contract';
import {
  isRunning,
  type PluginRecord,
  type ResolvedPlugin,
  type RunningPlugin,
} from '../plugin/record.js';
import { cycleFailed, dependencyFailed } from '../registry/dependency-graph.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { baseOf, inCycle, mandatory, type Need } from './needs.js';
import type { Needing, Servers } from './servers.js';

/** What is known of what plugins lack. */
export interface Lacks {
  /** The key of a plugin that is lacking, or a contract. */
  lost(record: RunningPlugin): string | undefined;
  lostNeed(record: RunningPlugin): string | undefined;
  missing(record: ResolvedPlugin | RunningPlugin): string | undefined;
  nearest(record: Needing & Pick<ResolvedPlugin, 'dependencies'>, need: Need): string;
}

/** Answers questions about records; changes nothing. */
export class Blame {
  readonly #registry: PluginRegistry;
  readonly #servers: Servers;
  readonly #lacks: Lacks;

  constructor(registry: PluginRegistry, servers: Servers, lacks: Lacks) {
    this.#registry = registry;
    this.#servers = servers;
    this.#lacks = lacks;
  }

  /** Checks that each required need of the code has a provider. They were activated before. */
  checkNeeds(record: RunningPlugin): void {
    const lost = this.#lacks.lostNeed(record);
    if (lost === undefined) return;
    // Manifests only order needs. An earlier start here means that the graph cut a cycle.
    const cut = this.#isStarting(lost) ? this.#wayTo(lost, record.id) : undefined;
    const error =
      cut === undefined ? this.blame(record, lost) : cycleFailed('start', [record.id, ...cut]);
    throw inCycle(record.id, error) ?? error;
  }

  /** Why a plugin can't run without another plugin, or without a contract. */
  blame(record: PluginRecord, dependency: string, above: readonly string[] = []): PluginError {
    const other = this.#registry.get(dependency);
    const id = idOf(dependency);
    const contract = this.#contractOf(record, dependency);
    // Plugins that need each other are blamed only once.
    const lost =
      other?.state === 'suspended' && isRunning(other) && !above.includes(dependency)
        ? this.#lacks.lost(other)
        : undefined;
    if (other !== undefined && lost !== undefined)
      return dependencyFailed(
        record.id,
        id,
        this.blame(other, lost, [...above, dependency]),
        contract,
      );
    if (other?.state === 'failed' || other?.state === 'denied')
      return (
        inCycle(record.id, other.error as Partial<PluginError>) ??
        dependencyFailed(record.id, id, other.error, contract)
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
      contract,
    );
  }

  /** The contract that a plugin needs of another one. Undefined for a dependency by its id. */
  #contractOf(record: PluginRecord, dependency: string): string | undefined {
    if (!isRunning(record)) return undefined;
    if (this.#servers.ofDependency(record, idOf(dependency)).length > 0) return undefined;
    const other = this.#registry.get(dependency);
    return mandatory(record).find(
      (need) =>
        need.contract === dependency || (other !== undefined && this.#servers.offers(other, need)),
    )?.contract;
  }

  /** The key of the plugin that keeps another one from running, or a contract without provider. */
  cause(record: PluginRecord): string | undefined {
    if (isRunning(record)) return this.#lacks.lost(record);
    if (record.state !== 'failed' || record.previous.state !== 'resolved') return undefined;
    const { previous } = record;
    const { code, details } = record.error as Partial<PluginError>;
    if (code !== 'plugin/dependency-failed') return undefined;
    const missing = this.#lacks.missing(previous);
    if (missing !== undefined) return missing;
    const { contract, path } = details ?? {};
    if (typeof contract === 'string')
      return this.#lacks.nearest(previous, { contract, base: baseOf(contract) });
    const id = Array.isArray(path) ? String(path[1]) : record.id;
    return this.#registry.find(id)?.key ?? id;
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
