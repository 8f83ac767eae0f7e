/** What is kept under the ids of plugins: what is left of uninstalled ones, and its deletion. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { Keeper } from '../../extension/core.js';
import type { StorageAdapter } from '../../host.js';
import type { Grants } from '../../permissions/grants.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { extensionPrefix, isAbout } from '../../storage/extension-keys.js';
import type { StorageNamespace } from '../../storage/namespace.js';
import type { Owners } from './owners.js';
import type { RegistryStore } from './registry-store.js';

/** What is left of a plugin that isn't installed any more. */
export interface Leftover {
  readonly plugin: string;
  /** Its owner: `publisher:<name>`, an origin, or `local`. */
  readonly owner?: string;
  /** Keys of its storage. */
  readonly keys: number;
  /** Whether there are secrets, settings, and grants or revocations. */
  readonly secrets: boolean;
  readonly settings: boolean;
  readonly grants: boolean;
  /** Whether extensions of the kernel keep data about it. Absent where they don't. */
  readonly documents?: true;
}

/** What this module needs from the kernel. */
export interface PluginDataParts {
  readonly registry: PluginRegistry;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  storageOf(plugin: string): StorageNamespace;
  readonly keepers: readonly Keeper[];
  readonly grants: Grants;
  readonly owners: Owners;
  readonly store: Pick<RegistryStore, 'newer'>;
}

/** Owns no data: everything stays where it is kept. */
export class PluginData {
  readonly #parts: PluginDataParts;

  constructor(parts: PluginDataParts) {
    this.#parts = parts;
  }

  /**
   * What is kept of plugins that aren't installed. One that a newer kernel has installed is not
   * among them, although this one can't run it.
   */
  async leftovers(): Promise<readonly Leftover[]> {
    const { storage, tenant, registry, keepers, grants, owners, store } = this.#parts;
    const found = new Map<string, { keys: number; parts: Set<string> }>();
    const about = (id: string) => {
      const known = found.get(id) ?? { keys: 0, parts: new Set<string>() };
      found.set(id, known);
      return known;
    };
    const prefix = `${tenant}\0`;
    for (const key of await storage.keys(prefix)) {
      const [id = '', part = '', of = '', , subject = ''] = key.slice(prefix.length).split('\0');
      if (id !== 'plinth') about(id).keys += 1;
      else if (KEPT.has(part)) about(of).parts.add(part);
      else if (part === 'extension' && subject !== '') about(subject).parts.add('documents');
    }
    for (const { kind, known } of keepers)
      for (const id of known?.() ?? []) about(id).parts.add(kind);
    const left: Leftover[] = [];
    for (const [id, { keys, parts }] of [...found].sort(([one], [other]) =>
      one < other ? -1 : 1,
    )) {
      if (registry.versions(id).length > 0 || (await store.newer(id)) !== undefined) continue;
      const owner = await owners.of(id).catch(() => undefined);
      left.push({
        plugin: id,
        ...(owner !== undefined && { owner }),
        keys,
        secrets: parts.has('secrets'),
        settings: parts.has('config'),
        grants: parts.has('grants') || grants.has(id),
        ...(parts.has('documents') && { documents: true as const }),
      });
    }
    return left;
  }

  /** @throws PluginConfigurationError `registry/newer-format`. */
  async checkPurge(id: string): Promise<void> {
    const newer = await this.#parts.store.newer(id);
    if (newer !== undefined) throw newer;
  }

  /**
   * Deletes everything that is kept under an id, and its owner.
   *
   * @throws PluginError `storage/failed`. What is left is a leftover, and can be purged again.
   */
  async purge(id: string): Promise<void> {
    try {
      await this.#purge(id);
    } catch (cause) {
      throw createError(
        'storage/failed',
        `${id} is uninstalled, and what is kept of it could not be deleted: ${messageOf(cause)}; uninstall('${id}', { purge: true }) tries it again`,
        { plugin: id, cause },
      );
    }
  }

  async #purge(id: string): Promise<void> {
    const { storage, tenant, keepers, grants, owners } = this.#parts;
    await this.#parts.storageOf(id).clear();
    for (const key of await storage.keys(extensionPrefix(tenant)))
      if (isAbout(key, id)) await storage.delete(key);
    await grants.purge(id);
    for (const keeper of keepers) await keeper.purge(id);
    // An extension that is left out, or has another key, can't delete what it once kept.
    for (const part of KEPT_BY_EXTENSIONS)
      await storage.delete(`${tenant}\0plinth\0${part}\0${id}`);
    // This comes last: until then what is left still has its owner.
    await owners.set(id, undefined);
  }
}

/** Parts of the kernel that keep data by plugin. */
const KEPT: ReadonlySet<string> = new Set(['secrets', 'config', 'grants', 'owner']);

/** Parts of extensions that keep data by plugin. */
const KEPT_BY_EXTENSIONS: readonly string[] = ['secrets', 'config', 'seen'];
