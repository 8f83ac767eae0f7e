/** Who needs whom right now: what the graph has resolved, seen from running plugins. */
import { createError, type PluginError, parseContractId, satisfies } from '@plinth/sdk/contract';
import type { CommandRegistry } from '../commands/command-registry.js';
import { isRunning, type PluginRecord, type ResolvedPlugin, type RunningPlugin, versionOf } from '../record.js';
import { idOf } from '../registry/key.js';
import { dependencyFailed } from '../registry/dependency-graph.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';

/** Answers questions about records; changes nothing. */
export class Relations {
  readonly #registry: PluginRegistry;
  readonly #commands: CommandRegistry;

  constructor(registry: PluginRegistry, commands: CommandRegistry) {
    this.#registry = registry;
    this.#commands = commands;
  }

  /** Whether others may count on a plugin: one that sleeps wakes when it is called, and calls wait for one that was suspended. */
  isThere(key: string): boolean {
    const record = this.#registry.get(key);
    if (record?.state !== 'suspended') return record?.state === 'active';
    // One that was suspended by request may have lost what it needs meanwhile: it won't go on without that.
    return record.reason !== 'dependency' && !(isRunning(record) && this.lost(record) !== undefined);
  }

  /** Whether a plugin, or another version of it that suits as well, is there for another. */
  #isThereFor({ manifest }: ResolvedPlugin | RunningPlugin, key: string, except?: string): boolean {
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

  /** Like {@link missing}, and by what the code of a running plugin says, too. */
  lost(record: RunningPlugin): string | undefined {
    return record.dependencies.find((key) => this.#mustHave(record, key) && !this.#isThereFor(record, key));
  }

  /** Active and suspended plugins that can't do without a plugin, directly, and have no other version of it to go on with. */
  dependants(key: string): readonly RunningPlugin[] {
    const id = idOf(key);
    const needs = (record: RunningPlugin) => record.dependencies.some((needed) => idOf(needed) === id && this.#mustHave(record, needed) && !this.#isThereFor(record, needed, key));
    return this.#registry.all().filter((record): record is RunningPlugin => isRunning(record) && needs(record));
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
    for (const { contract, optional } of record.statics.needs) {
      const base = parseContractId(contract)?.base ?? contract;
      if (optional || base === record.id) continue;
      const providers = this.#registry.all().filter((one) => one.id === base || (isRunning(one) && one.statics.provides.includes(contract)));
      if (providers.some(({ key }) => this.isThere(key)) || this.#commands.all().some((entry) => entry.id.startsWith(`${base}:`))) continue;
      const failed = providers.find((one) => one.state === 'failed');
      const cause =
        failed?.state === 'failed' ? failed.error : createError('plugin/unsatisfied', `nobody provides ${contract}`, { plugin: record.id, details: { needs: contract } });
      throw dependencyFailed(record.id, base, cause);
    }
  }

  /** Contracts that somebody provides who is there. */
  provided(): ReadonlySet<string> {
    return new Set(this.#registry.all().flatMap((one) => ('statics' in one && this.isThere(one.key) ? one.statics.provides : [])));
  }

  /** Names of a plugin's needs that are met. */
  metNeeds(record: RunningPlugin, provided: ReadonlySet<string> = this.provided()): readonly string[] {
    return record.statics.needs.filter((need) => provided.has(need.contract) && parseContractId(need.contract) !== undefined).map((need) => need.name);
  }

  /** Why a plugin can't run without another. */
  blame(record: { readonly id: string }, dependency: string): PluginError {
    const other = this.#registry.get(dependency);
    const id = idOf(dependency);
    const lost = other?.state === 'suspended' && isRunning(other) ? this.lost(other) : undefined;
    if (other !== undefined && lost !== undefined) return dependencyFailed(record.id, id, this.blame(other, lost));
    const cause = other?.state === 'failed' ? other.error : createError('plugin/unavailable', `${id} is ${describe(other)}`, { plugin: id });
    return dependencyFailed(record.id, id, cause);
  }

  /** By its dependencies, or by a need that isn't optional. */
  #mustHave(record: RunningPlugin, key: string): boolean {
    const id = idOf(key);
    return Object.hasOwn(record.manifest.dependencies, id) || record.statics.needs.some((need) => !need.optional && need.contract.startsWith(`${id}@`));
  }
}

function describe(record: PluginRecord | undefined): string {
  return record?.state ?? 'not installed';
}
