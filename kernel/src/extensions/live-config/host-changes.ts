/** Settings of plugins, changed while they run. */
import type { ConfigLayer } from '../../config/config-store.js';
import type { HostRegistration } from '../../registration.js';
import type { ConfigWatcher } from './watchers.js';

/** The API of the extension `live-config`, and a part of `kernel.config`. */
export interface HostChanges {
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
  /** Called for each change that was made, in any layer. */
  watch(id: string, watcher: ConfigWatcher): HostRegistration;
}
