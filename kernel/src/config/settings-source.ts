/** Where settings of plugins come from when they aren't an object in the program: a file, a service. */
import type { PluginSettings } from './settings.js';

/** Settings of plugins from somewhere else, as one layer. */
export interface SettingsSource {
  /** Where they come from, for messages: a path, an address. */
  readonly name: string;
  /**
   * Reads all of them, anew each time.
   *
   * @throws PluginConfigurationError `config/invalid` when they can't be read or aren't settings.
   */
  load(): Promise<PluginSettings>;
  /**
   * Tells when {@link load} may answer something else; it may tell too often, never too seldom. What it answers with ends
   * it, and nothing is told after that.
   */
  watch?(onChange: () => void): Disposable & { dispose(): void };
}
