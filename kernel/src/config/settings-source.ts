/** A source of settings outside the program: a file, a service. */
import type { PluginSettings } from './settings.js';

/** Settings of plugins from a source, as one layer. */
export interface SettingsSource {
  /** Where they come from, for messages: a path, an address. */
  readonly name: string;
  /**
   * Reads all settings. Each call reads them again.
   *
   * @throws PluginConfigurationError `config/invalid` when they can't be read or aren't settings.
   */
  load(): Promise<PluginSettings>;
  /**
   * Calls `onChange` when {@link load} may return something else. It may call too often, but must
   * not miss a change. Disposing the result stops watching, and no call comes after that.
   */
  watch?(onChange: () => void): Disposable & { dispose(): void };
}
