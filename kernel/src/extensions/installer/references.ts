/** Which plugins and versions an operation is about, by the reference that it is given. */
import { createError, type Manifest } from '@plinth/sdk/contract';
import { manifestOf, type PluginRecord, versionOf } from '../../plugin/record.js';
import { idOf, keyOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';

/** Owns what `reload` has put in the place of versions, for as long as the kernel runs. */
export class References {
  readonly #registry: PluginRegistry;
  /** The version that `reload` replaced by another one. */
  readonly #standsFor = new Map<string, string>();

  constructor(registry: PluginRegistry) {
    this.#registry = registry;
  }

  /** The plugin that a reference names, if it is installed. */
  find(reference: string): PluginRecord | undefined {
    return this.#registry.find(reference);
  }

  /** @throws PluginUnavailableError `plugin/not-found`. */
  require(reference: string): PluginRecord {
    const record = this.#registry.find(reference);
    if (record === undefined)
      throw createError('plugin/not-found', `no plugin '${reference}' is installed`, {
        plugin: reference,
      });
    return record;
  }

  /** The plugins that a reference names: one version if it names one, else all of an id. */
  meant(reference: string): readonly PluginRecord[] {
    const record = this.require(reference);
    const all = this.#registry.versions(record.id);
    return all.length === 0 || namesVersion(reference) ? [record] : all;
  }

  /** The versions to record for a plugin: its own, and the one that it stands for. */
  meantBy(record: PluginRecord): readonly string[] {
    return [versionOf(record) ?? [], this.standingFor(record.key)].flat();
  }

  /** The version that a plugin stands for, unless that is installed again. */
  standingFor(key: string): readonly string[] {
    const version = this.#standsFor.get(key);
    return version === undefined || this.#registry.get(keyOf(idOf(key), version)) !== undefined
      ? []
      : [version];
  }

  /** Whether `reload` has put a plugin in the place of another version. */
  isStandIn(key: string): boolean {
    return this.#standsFor.has(key);
  }

  /** `reload` has put a plugin in the place of another. */
  reloaded(old: PluginRecord, key: string): void {
    const version = this.#standsFor.get(old.key) ?? versionOf(old);
    if (key !== old.key && version !== undefined) this.#standsFor.set(key, version);
  }

  /** A plugin is removed. */
  forget(key: string): void {
    this.#standsFor.delete(key);
  }
}

/** Whether a reference is about one version by name, not about a whole id. */
export const namesVersion = (reference: string): boolean => reference.includes('@');

/** @throws what keeps a plugin from having a manifest. */
export function versionedManifest(record: PluginRecord): Manifest {
  const manifest = manifestOf(record);
  if (manifest !== undefined) return manifest;
  throw record.state === 'failed'
    ? record.error
    : createError('plugin/illegal-transition', `${record.id} has no manifest yet`, {
        plugin: record.id,
      });
}
