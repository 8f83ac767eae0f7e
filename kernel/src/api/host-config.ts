/** `kernel.config`: settings of plugins, changed while they run. */
import { disposable, type Manifest } from '@plinth/sdk/contract';
import type { ConfigLayer, ConfigSource, ConfigStore } from '../config/config-store.js';
import type { ConfigChanges, ConfigWatcher } from '../extensions/live-config/config-changes.js';
import type { HostRegistration } from '../registration.js';

/** `kernel.config`. */
export interface HostConfig {
  /** The merged settings of a plugin. The returned object is frozen. */
  get(id: string): Readonly<Record<string, unknown>>;
  /**
   * Changes keys of a layer (`user` when absent), and hands the result to the plugin when it runs.
   * Objects are merged and lists are replaced, at every depth. A key that is set to undefined is
   * removed. When the manifest's schema or the plugin refuses the change, nothing changes. Changes
   * of the layer `user` are kept in the kernel's storage.
   *
   * @throws PluginConfigurationError `config/invalid` with every problem, PluginUnavailableError
   * `plugin/not-found`.
   */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer?: ConfigLayer): Promise<void>;
  /** Each leaf by its path (`db.host`) with its value and the layer it comes from. */
  layers(id: string): Readonly<Record<string, ConfigSource>>;
  /** Called for each change that was made, in any layer. */
  watch(id: string, watcher: ConfigWatcher): HostRegistration;
}

/**
 * Makes `kernel.config`.
 *
 * @param awaitManifest like `requireManifest`, but waits until all plugins are known.
 */
export function createHostConfig(
  store: ConfigStore,
  changes: ConfigChanges,
  requireManifest: (id: string) => Manifest,
  awaitManifest: (id: string) => Promise<Manifest>,
): HostConfig {
  return {
    get: (id) => store.get(requireManifest(id).id),
    async set(id, patch, layer = 'user') {
      await changes.set((await awaitManifest(id)).id, patch, layer);
    },
    layers: (id) => store.layers(requireManifest(id).id),
    watch(id, watcher) {
      changes.watch(id, watcher);
      return disposable(() => changes.unwatch(id, watcher));
    },
  };
}
