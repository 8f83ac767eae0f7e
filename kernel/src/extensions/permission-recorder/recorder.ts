/** Observes how the plugins of a tenant use their rights. It grants and refuses nothing. */
import { createError, type Manifest } from '@plinth/sdk/contract';
import type { Observing, OnAsked } from '../../permissions/observing.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { observationOf } from './least.js';
import type { Observation } from './observation.js';
import { Uses } from './uses.js';

/** Most versions of plugins whose uses are kept. The one that started first is dropped. */
const MAX_VERSIONS = 1_024;

/** Owns the observations of one tenant. */
export class PermissionRecorder implements Observing {
  readonly #registry: PluginRegistry;
  readonly #most: number;
  /** By `id@version`, the one that started last at the end. */
  readonly #uses = new Map<string, Uses>();

  constructor(registry: PluginRegistry, most: number) {
    this.#registry = registry;
    this.#most = most;
  }

  of(manifest: Manifest): OnAsked {
    this.#begin(manifest);
    return (permission, scope, allowed) => this.#usesOf(manifest)?.add(permission, scope, allowed);
  }

  stored(manifest: Manifest): (bytes: number) => void {
    return (bytes) => {
      const uses = this.#usesOf(manifest);
      if (uses !== undefined) uses.bytes = Math.max(uses.bytes, bytes);
    };
  }

  observed(plugin: string, version?: string): Observation {
    const manifests = this.#registry.manifestsOf(plugin);
    const known = [...this.#uses.values()].reverse().map(({ manifest }) => manifest);
    const manifest = [...known, ...manifests].find(
      (one) => one.id === plugin && (version === undefined || one.version === version),
    );
    if (manifest === undefined)
      throw createError(
        'plugin/not-found',
        `no plugin '${String(plugin).slice(0, 128)}'${version === undefined ? '' : ` of version ${String(version).slice(0, 80)}`} is installed or was observed`,
        { plugin },
      );
    return observationOf(this.#uses.get(keyOf(manifest)) ?? new Uses(manifest), this.#most);
  }

  forget(plugin: string): void {
    for (const [key, { manifest }] of [...this.#uses])
      if (manifest.id === plugin) this.#uses.delete(key);
  }

  /** A guest starts. A version with other rights than before is observed from the beginning. */
  #begin(manifest: Manifest): Uses {
    const key = keyOf(manifest);
    const known = this.#uses.get(key);
    const uses =
      known !== undefined && isSame(known.manifest, manifest) ? known : new Uses(manifest);
    this.#uses.delete(key);
    this.#uses.set(key, uses);
    if (this.#uses.size > MAX_VERSIONS) this.#uses.delete(this.#uses.keys().next().value as string);
    return uses;
  }

  /** Undefined for a guest whose package was replaced by one of the same version. */
  #usesOf(manifest: Manifest): Uses | undefined {
    const known = this.#uses.get(keyOf(manifest));
    // What was forgotten begins again while the plugin runs.
    if (known === undefined) return this.#begin(manifest);
    return known.manifest === manifest || isSame(known.manifest, manifest) ? known : undefined;
  }
}

const keyOf = ({ id, version }: Manifest) => `${id}@${version}`;

/** A reload reads the manifest again, mostly unchanged. */
const isSame = (one: Manifest, other: Manifest) =>
  one === other ||
  (JSON.stringify(one.permissions) === JSON.stringify(other.permissions) &&
    JSON.stringify(one.needs) === JSON.stringify(other.needs));
