/** `kernel.config`: settings of plugins, changed while they run. */
import { disposable, type Manifest } from '@plinth/sdk/contract';
import type { HostRegistration } from '../commands/host-commands.js';
import type { ConfigChanges, ConfigWatcher } from './config-changes.js';
import type { ConfigLayer, ConfigSource, ConfigStore } from './config-store.js';

/** `kernel.config`. */
export interface HostConfig {
  /** The merged settings of a plugin; nobody can change what is handed out. */
  get(id: string): Readonly<Record<string, unknown>>;
  /**
   * Changes keys of a layer, `user` when absent, and hands the result to the plugin when it runs; a key set to undefined is
   * taken out. When the manifest's schema or the plugin refuses it, nothing has changed. What is changed in the layer `user`
   * is kept in the kernel's storage.
   *
   * @throws PluginConfigurationError `config/invalid` with every problem, PluginUnavailableError `plugin/not-found`.
   */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer?: ConfigLayer): Promise<void>;
  /** Each key with its value and the layer it comes from. */
  layers(id: string): Readonly<Record<string, ConfigSource>>;
  /** Tells of each change that was made, by whatever layer. */
  watch(id: string, watcher: ConfigWatcher): HostRegistration;
}

/**
 * Makes `kernel.config`.
 *
 * @param awaitManifest as `requireManifest`, once it is known who is there.
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
