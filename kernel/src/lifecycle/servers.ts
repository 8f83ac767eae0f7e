/**
 * Which plugins may serve what another one needs. A plugin never serves itself, and an open contract
 * is served only by plugins that may provide it.
 */
import { satisfies } from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import { manifestOf, type PluginRecord, type ResolvedPlugin, versionOf } from '../plugin/record.js';
import { wishesOf } from '../registry/catalogue.js';
import type { MayProvide } from '../registry/graph-node.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { type Need, named } from './needs.js';

/** A plugin that needs others. */
export type Needing = Pick<ResolvedPlugin, 'id' | 'manifest'>;

/** Answers from manifests and what guests have said. It changes nothing. */
export class Servers {
  readonly #registry: PluginRegistry;
  readonly #isOpen: IsOpen;
  readonly #mayProvide: MayProvide;

  constructor(registry: PluginRegistry, isOpen: IsOpen, mayProvide: MayProvide) {
    this.#registry = registry;
    this.#isOpen = isOpen;
    this.#mayProvide = mayProvide;
  }

  /** Whether a plugin provides what the code of another one needs. */
  offers(record: PluginRecord, need: Need): boolean {
    return named(record, need) && this.#may(record, need.base);
  }

  /** Plugins that provide what the code of a plugin needs, available or not. */
  ofNeed({ id }: { readonly id: string }, need: Need): readonly PluginRecord[] {
    return this.#among(need.base).filter((one) => one.id !== id && this.offers(one, need));
  }

  /** The versions that a plugin accepts as a dependency, the default one first. */
  ofDependency({ manifest }: Needing, id: string): readonly PluginRecord[] {
    const { dependencies, optionalDependencies } = manifest;
    const range = Object.hasOwn(dependencies, id)
      ? dependencies[id]
      : Object.hasOwn(optionalDependencies, id)
        ? optionalDependencies[id]
        : undefined;
    if (range === undefined) return [];
    return this.#registry.versions(id).filter((other) => {
      const version = versionOf(other);
      return version !== undefined && satisfies(version, range);
    });
  }

  /**
   * What may stand in the place of a plugin that the graph has chosen for another one: that plugin,
   * and all others that suit as well.
   */
  instead(record: Needing, key: string): readonly PluginRecord[] {
    const chosen = this.#registry.get(key);
    const suiting = this.ofDependency(record, idOf(key));
    const others = suiting.length > 0 ? suiting : this.#ofSameNeed(record, chosen);
    return [...new Set(chosen === undefined ? others : [chosen, ...others])];
  }

  /** Providers of the needs, as the manifest states them, for which a plugin was chosen. */
  #ofSameNeed({ id, manifest }: Needing, chosen: PluginRecord | undefined): PluginRecord[] {
    if (chosen === undefined) return [];
    return wishesOf(manifest).needs.flatMap(({ base, range }) => {
      const suits = (one: PluginRecord) => {
        const provided = manifestOf(one);
        return (
          provided !== undefined &&
          wishesOf(provided).provides.some(
            (other) => other.base === base && satisfies(`${other.major}.0.0`, range),
          )
        );
      };
      if (!suits(chosen)) return [];
      return this.#among(base).filter((one) => one.id !== id && suits(one) && this.#may(one, base));
    });
  }

  #among(base: string): readonly PluginRecord[] {
    return this.#isOpen(base) ? this.#registry.all() : this.#registry.versions(base);
  }

  #may(record: PluginRecord, base: string): boolean {
    if (record.id === base) return true;
    const manifest = manifestOf(record);
    return manifest !== undefined && this.#mayProvide(manifest, base);
  }
}
