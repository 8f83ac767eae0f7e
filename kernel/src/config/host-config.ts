/** `kernel.config`: settings of plugins, changed while they run. */
import type { Manifest } from '@plinth/sdk';
import type { HostRegistration } from '../commands/host-commands.js';
import type { KernelParts } from '../parts.js';
import type { ConfigLayer, ConfigSource, ConfigStore, ConfigWatcher } from './config-store.js';

/** `kernel.config`. */
export interface HostConfig {
  /** The merged settings of a plugin. */
  get(id: string): Readonly<Record<string, unknown>>;
  /**
   * Changes keys of a layer and hands the result to the plugin when it runs. When the plugin refuses it, the change is
   * taken back and the refusal thrown.
   *
   * @throws PluginConfigurationError `config/invalid`, PluginUnavailableError `plugin/not-found`.
   */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer?: ConfigLayer): Promise<void>;
  /** Each key with its value and the layer it comes from. */
  layers(id: string): Readonly<Record<string, ConfigSource>>;
  watch(id: string, watcher: ConfigWatcher): HostRegistration;
}

/** Makes `kernel.config`. */
export function createHostConfig(
  store: ConfigStore,
  plugins: { reconfigure(id: string): Promise<void> },
  requireManifest: (id: string) => Manifest,
  announce: KernelParts['announce'],
): HostConfig {
  return {
    get: (id) => store.get(requireManifest(id).id),
    async set(id, patch, layer = 'user') {
      requireManifest(id);
      const undo = store.set(id, patch, layer);
      try {
        await plugins.reconfigure(id);
      } catch (error) {
        undo();
        throw error;
      }
      const keys = Object.keys(patch);
      store.notify(id, keys);
      announce('config:changed', { plugin: id, layer, keys });
    },
    layers: (id) => store.layers(requireManifest(id).id),
    watch: (id, watcher) => store.watch(id, watcher),
  };
}
