/**
 * What is kept under the ids of plugins, for the application: values of one plugin, what is left of
 * uninstalled plugins, and how all of it is deleted.
 */
import type { StorageAdapter } from '../../host.js';
import type { Grants } from '../../permissions/grants.js';
import { isRunning } from '../../plugin/record.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { extensionPrefix, isAbout } from '../../storage/extension-keys.js';
import { StorageNamespace } from '../../storage/namespace.js';
import type { StorageBudget } from '../../storage/storage-budget.js';
import type { ConfigChanges } from '../live-config/config-changes.js';
import type { Secrets } from '../secrets/secrets.js';
import type { Trust } from '../trust/trust.js';
import type { Owners } from './owners.js';

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
  readonly budget: StorageBudget;
  readonly secrets: Secrets;
  readonly grants: Grants;
  readonly trust: Trust;
  readonly owners: Owners;
  readonly config: ConfigChanges;
}

const UNBOUNDED = { quota: Number.POSITIVE_INFINITY, keys: Number.POSITIVE_INFINITY };

/** Owns no data: everything stays where it is kept. */
export class PluginData {
  readonly #parts: PluginDataParts;

  constructor(parts: PluginDataParts) {
    this.#parts = parts;
  }

  /** What is kept of plugins that aren't installed. */
  async leftovers(): Promise<readonly Leftover[]> {
    const { storage, tenant, registry, secrets, grants, owners } = this.#parts;
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
    for (const id of secrets.known()) about(id).parts.add('secrets');
    const left: Leftover[] = [];
    for (const [id, { keys, parts }] of [...found].sort(([one], [other]) =>
      one < other ? -1 : 1,
    )) {
      if (registry.versions(id).length > 0) continue;
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

  /** Deletes everything that is kept under an id, and its owner. */
  async purge(id: string): Promise<void> {
    const { storage, tenant, secrets, grants, trust, owners, config } = this.#parts;
    await this.of(id).clear();
    for (const key of await storage.keys(extensionPrefix(tenant)))
      if (isAbout(key, id)) await storage.delete(key);
    await secrets.purge(id);
    await config.purge(id);
    await grants.purge(id);
    await trust.forget(id);
    // This comes last: until then what is left still has its owner.
    await owners.set(id, undefined);
  }

  /** The namespace that counts what a plugin uses, where it runs. */
  of(id: string): StorageNamespace {
    const { registry, storage, tenant, budget } = this.#parts;
    const running = registry.versions(id).find((record) => isRunning(record));
    if (running !== undefined && isRunning(running)) return running.connection.storage;
    return new StorageNamespace(storage, tenant, id, UNBOUNDED, budget);
  }
}

/** Parts of the kernel that keep data by plugin. */
const KEPT: ReadonlySet<string> = new Set(['secrets', 'config', 'grants', 'owner']);
