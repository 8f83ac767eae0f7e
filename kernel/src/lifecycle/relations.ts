/** Who needs whom right now: what the graph has resolved, seen from running plugins. */
import { createError, isOpen, type PluginError, parseContractId, satisfies } from '@plinth/sdk/contract';
import type { HostContracts } from '../commands/host-contracts.js';
import { type AsleepPlugin, isAsleep, isRunning, manifestOf, type PluginRecord, type ResolvedPlugin, type RunningPlugin, versionOf } from '../record.js';
import { idOf } from '../registry/key.js';
import { cycleFailed, dependencyFailed } from '../registry/dependency-graph.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** Answers questions about records; changes nothing. */
export class Relations {
  readonly #registry: PluginRegistry;
  readonly #host: HostContracts;
  readonly #isEnabled: (key: string) => boolean;
  /** Plugins whose needs are being looked at: those that need each other must not ask for ever. */
  readonly #asked = new Set<string>();

  constructor(registry: PluginRegistry, host: HostContracts, isEnabled: (key: string) => boolean) {
    this.#registry = registry;
    this.#host = host;
    this.#isEnabled = isEnabled;
  }

  /** Whether others may count on a plugin: one that sleeps wakes when it is called, and calls wait for one that was suspended. */
  isThere(key: string): boolean {
    const record = this.#registry.get(key);
    if (record?.state !== 'suspended') return record?.state === 'active';
    // One that was suspended by request may have lost what it needs meanwhile: it won't go on without that.
    if (record.reason === 'dependency') return false;
    if (!isRunning(record) || this.#asked.has(key)) return true;
    this.#asked.add(key);
    try {
      return this.lost(record) === undefined;
    } finally {
      this.#asked.delete(key);
    }
  }

  /** Whether a plugin, or another version of it that suits as well, is there for another. */
  #isThereFor({ manifest }: ResolvedPlugin | RunningPlugin | AsleepPlugin, key: string, except?: string): boolean {
    if (key !== except && this.isThere(key)) return true;
    const range = manifest.dependencies[idOf(key)];
    return (
      range !== undefined && this.#registry.versions(idOf(key)).some((other) => other.key !== except && satisfies(versionOf(other) as string, range) && this.isThere(other.key))
    );
  }

  /** The key of a plugin that another can't do without and that isn't there. */
  missing(record: ResolvedPlugin | RunningPlugin): string | undefined {
    return record.dependencies.find((key) => Object.hasOwn(record.manifest.dependencies, idOf(key)) && !this.#isThereFor(record, key));
  }

  /** Like {@link missing}, and by what the code of a running plugin says, too: a contract when nobody is known who provides it. */
  lost(record: RunningPlugin): string | undefined {
    return this.missing(record) ?? this.#lostNeed(record);
  }

  /** Active and suspended plugins that can't do without a plugin, or what the host provides, directly, and have nobody else to go on with. */
  dependants(key: string): readonly RunningPlugin[] {
    return this.reliant(key).filter(isRunning);
  }

  /** {@link dependants}, and those that sleep: they go on with what they need when they wake. */
  reliant(key: string): readonly (RunningPlugin | AsleepPlugin)[] {
    const id = idOf(key);
    const provider = this.#registry.get(key);
    const depends = (record: RunningPlugin | AsleepPlugin) =>
      Object.hasOwn(record.manifest.dependencies, id) && record.dependencies.some((needed) => idOf(needed) === id && !this.#isThereFor(record, needed, key));
    const needs = (record: RunningPlugin | AsleepPlugin) =>
      mandatory(record).some((need) => (provider === undefined ? need.base === id : offers(provider, need)) && !this.#isProvided(record, need, key));
    return this.#registry.all().filter((record): record is RunningPlugin | AsleepPlugin => (isRunning(record) || isAsleep(record)) && (depends(record) || needs(record)));
  }

  /** {@link dependants}, and theirs, those that nobody depends on first. */
  allDependants(key: string): readonly RunningPlugin[] {
    const found = new Map<string, RunningPlugin>();
    const queue = [key];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const record of this.dependants(next)) {
        if (found.has(record.key)) continue;
        found.set(record.key, record);
        queue.push(record.key);
      }
    }
    return [...found.values()].sort((a, b) => b.level - a.level);
  }

  /** Needs that the code can't do without must be provided by now: their providers were activated before. */
  checkNeeds(record: RunningPlugin): void {
    const lost = this.#lostNeed(record);
    if (lost === undefined) return;
    // Manifests tell only the order of needs: where the graph starts somebody before what it needs, it has cut a cycle there.
    const cut = this.#isStarting(lost) ? this.#wayTo(lost, record.id) : undefined;
    const error = cut === undefined ? this.blame(record, lost) : cycleFailed('start', [record.id, ...cut]);
    throw inCycle(record.id, error) ?? error;
  }

  /** Contracts that somebody provides who is there. */
  provided(): ReadonlySet<string> {
    return new Set(this.#registry.all().flatMap((one) => ('statics' in one && this.isThere(one.key) ? one.statics.provides : [])));
  }

  /** Names of a plugin's needs that are met by those, or by the host. */
  metNeeds(record: RunningPlugin, provided: ReadonlySet<string> = this.provided()): readonly string[] {
    return record.statics.needs
      .filter((need) => parseContractId(need.contract) !== undefined && (provided.has(need.contract) || this.#host.has(baseOf(need.contract))))
      .map((need) => need.name);
  }

  /** Why a plugin can't run without another, or without a contract. */
  blame(record: { readonly id: string }, dependency: string, above: readonly string[] = []): PluginError {
    const other = this.#registry.get(dependency);
    const id = idOf(dependency);
    // Those that need each other are to blame once.
    const lost = other?.state === 'suspended' && isRunning(other) && !above.includes(dependency) ? this.lost(other) : undefined;
    if (other !== undefined && lost !== undefined) return dependencyFailed(record.id, id, this.blame(other, lost, [...above, dependency]));
    if (other?.state === 'failed') return inCycle(record.id, other.error as Partial<PluginError>) ?? dependencyFailed(record.id, id, other.error);
    const wanted = other === undefined && parseContractId(dependency) !== undefined;
    const message = wanted ? `nobody provides ${dependency}` : `${id} ${this.#fate(other)}`;
    return dependencyFailed(record.id, id, createError('plugin/unavailable', message, { plugin: id }));
  }

  /** What has become of a plugin that another can't count on. */
  #fate(record: PluginRecord | undefined): string {
    if (record === undefined) return 'is not installed';
    if (!this.#isEnabled(record.key)) return 'was disabled';
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

  /** The first need that a plugin's code can't do without and nobody meets: who would meet it, or the contract. */
  #lostNeed(record: RunningPlugin): string | undefined {
    const need = mandatory(record).find((one) => !this.#isProvided(record, one));
    if (need === undefined) return undefined;
    const providers = this.#providers(record, need);
    return (providers.find(({ key }) => record.dependencies.includes(key)) ?? providers[0])?.key ?? need.contract;
  }

  /** Whether the host or somebody who is there provides what a plugin needs. */
  #isProvided(record: RunningPlugin | AsleepPlugin, need: Need, except?: string): boolean {
    return this.#host.has(need.base) || this.#providers(record, need).some(({ key }) => key !== except && this.isThere(key));
  }

  /** Other plugins that provide what a plugin needs, whether they are there or not. */
  #providers(record: RunningPlugin | AsleepPlugin, need: Need): readonly PluginRecord[] {
    const known = isOpen(need.base) ? this.#registry.all() : this.#registry.versions(need.base);
    return known.filter((one) => one.id !== record.id && offers(one, need));
  }

  /** Whether a plugin is on its way, or still to be started. */
  #isStarting(key: string): boolean {
    const state = this.#registry.get(key)?.state;
    return (state === 'resolved' || state === 'loaded' || state === 'initialized') && this.#isEnabled(key);
  }

  /** The ids on the way from a plugin to another, as the graph has resolved them. */
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

/** A contract that a plugin's code can't do without. */
interface Need {
  readonly contract: string;
  readonly base: string;
}

const baseOf = (contract: string): string => parseContractId(contract)?.base ?? contract;

/** What a plugin's code can't do without; its own contract is nobody else's matter. */
function mandatory({ id, statics }: RunningPlugin | AsleepPlugin): readonly Need[] {
  return statics.needs
    .filter(({ optional }) => !optional)
    .map(({ contract }) => ({ contract, base: baseOf(contract) }))
    .filter(({ base }) => base !== id);
}

/** Whether a plugin provides what is needed. The owner of a contract that doesn't say which ones it provides suits, too. */
function offers(record: PluginRecord, { contract, base }: Need): boolean {
  const named = [...(manifestOf(record)?.provides ?? []), ...('statics' in record ? record.statics.provides : [])];
  return named.includes(contract) || (record.id === base && !named.some((one) => one.startsWith(`${base}@`)));
}

/** The cycle that an error tells of, as it is seen from a plugin that is a part of it: a path that comes to it twice is one, too. */
function inCycle(id: string, { code, details }: Partial<PluginError>): PluginError | undefined {
  if (code !== 'plugin/cycle' && code !== 'plugin/dependency-failed') return undefined;
  const path = details?.path;
  if (!Array.isArray(path)) return undefined;
  const ring: readonly string[] = code === 'plugin/cycle' ? path.slice(1) : path.slice(1, path.indexOf(id, 1) + 1);
  const at = ring.indexOf(id);
  return at === -1 ? undefined : cycleFailed('start', [id, ...ring.slice(at + 1), ...ring.slice(0, at + 1)]);
}
