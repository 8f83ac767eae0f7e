/** From packages to resolved plugins: reads manifests, gives out ids, finds what each plugin needs. Starts nothing. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import type { KernelParts } from '../parts.js';
import { asValidated, type DiscoveredPlugin, type PluginRecord, type ResolvedPlugin, type ValidatedPlugin } from '../record.js';
import { discovered } from './discover.js';
import type { Ledger } from './ledger.js';
import { resolve } from './resolve.js';
import { type Surroundings, validate } from './validate.js';

/** Owns the stages before a guest. */
export class Admission {
  readonly #ledger: Ledger;
  readonly #parts: KernelParts;
  readonly #surroundings: Surroundings;
  readonly #problems: PluginError[] = [];

  constructor(ledger: Ledger, parts: KernelParts) {
    this.#ledger = ledger;
    this.#parts = parts;
    const runtimes = parts.hosts.flatMap((host) => (host.runtime === undefined ? [] : [host.runtime]));
    this.#surroundings = { version: parts.version, runtimes, policy: parts.policy };
  }

  /** Why less was found than there should be. */
  get problems(): readonly PluginError[] {
    return this.#problems;
  }

  report(problem: PluginError): void {
    this.#problems.push(problem);
    this.#parts.log.write('kernel', 'error', problem.message, { code: problem.code });
  }

  /**
   * Takes packages in. Sound ones take their ids first, so that a broken one never stands in the way of a sound one with
   * its id. One bad plugin never stops the others.
   *
   * @param wanted whether a sound one is to be taken in.
   */
  admit(packages: readonly PluginPackage[], wanted: (record: ValidatedPlugin) => boolean): void {
    const { registry } = this.#ledger;
    const failures: { readonly record: DiscoveredPlugin; readonly error: unknown }[] = [];
    for (const one of packages) {
      const found = discovered(one);
      const record = { ...found, key: registry.freeName(found.key), id: registry.freeName(found.key) };
      registry.put(record);
      this.#parts.announce('plugin:discovered', { id: record.id, origin: record.origin });
      try {
        const validated = validate(record, this.#surroundings);
        if (!wanted(validated)) {
          registry.remove(record.key);
          continue;
        }
        const other = registry.get(validated.key);
        if (other !== undefined && other !== record) throw duplicate(validated, other);
        registry.rename(record.key, validated);
        this.#parts.announce('plugin:validated', { id: validated.id, version: validated.version });
      } catch (error) {
        failures.push({ record, error });
      }
    }
    for (const { record, error } of failures) {
      const claimed = (error as Partial<PluginError>).plugin;
      const named = claimed === undefined || registry.get(claimed) !== undefined || registry.versions(claimed).length > 0 ? record : { ...record, key: claimed, id: claimed };
      registry.rename(record.key, named);
      this.#ledger.fail(named, 'validate', error);
    }
  }

  /** Reads a package's manifest; throws what is wrong with it. */
  validate(found: PluginPackage): ValidatedPlugin {
    return validate(discovered(found), this.#surroundings);
  }

  /** @throws PluginResolutionError `plugin/duplicate` when this version is there already. */
  checkFree(record: ValidatedPlugin): void {
    const other = this.#ledger.registry.get(record.key);
    if (other !== undefined && other.state !== 'failed') throw duplicate(record, other);
  }

  /**
   * What a plugin would be, when neither it nor anybody who runs and depends on what it replaces goes without something.
   *
   * @param replaced the key of the version that goes.
   */
  resolveNext(next: ValidatedPlugin, replaced: string | undefined, dependants: readonly PluginRecord[]): ResolvedPlugin {
    const others = this.#candidates().filter(({ key }) => key !== next.key && key !== replaced);
    const resolved = resolve([...others, next], this.#parts.policy.permissions);
    for (const { key } of [next, ...dependants]) {
      const outcome = resolved.get(key);
      if (outcome instanceof Error) throw outcome;
    }
    return resolved.get(next.key) as ResolvedPlugin;
  }

  /** Resolves anew what has no guest; what runs keeps its guest and gets its dependencies as they are now. */
  resolveAll(): void {
    const { registry } = this.#ledger;
    for (const [key, resolved] of resolve(this.#candidates(), this.#parts.policy.permissions)) {
      const record = registry.get(key) as PluginRecord;
      const failed = record.state === 'failed' && record.stage === 'resolve';
      if (failed || record.state === 'validated' || record.state === 'resolved') {
        if (resolved instanceof Error) {
          // Said once: what others do doesn't make it a new failure.
          if (record.state !== 'failed' || record.error.message !== resolved.message) this.#ledger.fail(record.state === 'failed' ? record.previous : record, 'resolve', resolved);
        } else if (record.state === 'resolved') registry.put(resolved);
        else this.#ledger.advance(resolved, 'plugin:resolved');
      } else if (!(resolved instanceof Error) && record.state !== 'discovered' && record.state !== 'failed') {
        const { dependencies, level } = resolved;
        const same = 'level' in record && record.level === level && record.dependencies.join() === dependencies.join();
        if (!same) registry.put({ ...record, dependencies, level } as PluginRecord);
      }
    }
  }

  /** A plugin that failed later than resolving is still there to be depended upon: it may be started again. */
  #candidates(): readonly ValidatedPlugin[] {
    return this.#ledger.registry.all().flatMap((record) => {
      if (record.state === 'discovered') return [];
      if (record.state !== 'failed') return [asValidated(record)];
      const kept = record.previous.state === 'resolved' || (record.stage === 'resolve' && record.previous.state === 'validated');
      return kept ? [asValidated(record.previous as ValidatedPlugin | ResolvedPlugin)] : [];
    });
  }
}

/** A package as a source of one plugin, or the one plugin of a source. */
export async function packageFrom(found: PluginPackage | PluginSource): Promise<PluginPackage> {
  if (found === null || typeof found !== 'object') throw createError('kernel/invalid-option', `a plugin is installed from a package or a source, not from ${messageOf(found)}`);
  if (!('discover' in found)) return found;
  const all: PluginPackage[] = [];
  for await (const one of found.discover()) all.push(one);
  if (all.length === 1) return all[0] as PluginPackage;
  throw createError('plugin/source-failed', `found ${all.length} plugins in ${found.origin ?? 'the source'} where one is to be installed`, { details: { found: all.length } });
}

function duplicate(record: ValidatedPlugin, other: PluginRecord): PluginError {
  return createError(
    'plugin/duplicate',
    `two plugins are called ${record.id}: ${record.version} in ${record.origin}, and the same in ${other.origin}; the first one found is used`,
    {
      plugin: record.id,
      details: { origins: [other.origin, record.origin], versions: [record.version, record.version] },
    },
  );
}
