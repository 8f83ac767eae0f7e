/** `kernel.storage`: what plugins keep, for the application. */
import { createError } from '@plinth/sdk/contract';
import type { StorageNamespace } from '../storage/namespace.js';

/**
 * `kernel.storage.of(id)`: what a plugin keeps, whether it is installed or not. Each method rejects
 * with `storage/failed` when the storage fails.
 */
export interface PluginStorageView {
  /** Its keys that begin with a prefix, sorted. */
  list(prefix?: string): Promise<readonly string[]>;
  /** The value under a key. Undefined when there is none. */
  read(key: string): Promise<unknown>;
  /** Everything it keeps, by key. */
  export(): Promise<ReadonlyMap<string, unknown>>;
  /**
   * Writes values under its keys, beside those that it has. Only the tenant's quota applies, not
   * the plugin's.
   *
   * @throws PluginValidationError `storage/invalid-key`, `value/invalid`; PluginOverloadedError
   * `storage/quota`. What was written before stays.
   */
  import(values: Iterable<readonly [key: string, value: unknown]>): Promise<void>;
  /**
   * Deletes one value. Resolves to whether there was one.
   *
   * @throws PluginValidationError `storage/invalid-key`.
   */
  delete(key: string): Promise<boolean>;
  /** Deletes everything it keeps. */
  purge(): Promise<void>;
}

/** `kernel.storage`. */
export interface HostStorage {
  /** @throws PluginValidationError `storage/invalid-key` for what is no plugin's id. */
  of(plugin: string): PluginStorageView;
}

/**
 * The values of one plugin.
 *
 * @throws PluginValidationError `storage/invalid-key` for what is no plugin's id.
 */
export function storageViewOf(
  plugin: string,
  namespaceOf: (plugin: string) => Promise<StorageNamespace>,
): PluginStorageView {
  if (typeof plugin !== 'string' || !PLUGIN_ID.test(plugin) || plugin === 'plinth')
    throw createError('storage/invalid-key', `'${String(plugin).slice(0, 80)}' is no plugin's id`);
  const namespace = () => namespaceOf(plugin);
  return {
    list: async (prefix = '') => (await namespace()).keys(prefix),
    read: async (key) => (await namespace()).get(key),
    export: async () => {
      const own = await namespace();
      const values = new Map<string, unknown>();
      for (const key of await own.keys()) values.set(key, await own.get(key));
      return values;
    },
    import: async (values) => {
      const own = await namespace();
      for (const [key, value] of values) await own.set(key, value);
    },
    delete: async (key) => (await namespace()).delete(key),
    purge: async () => (await namespace()).clear(),
  };
}

const PLUGIN_ID = /^[a-z][a-z0-9.-]{0,127}$/;
