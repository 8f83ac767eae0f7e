/** Who hears of changed settings. */

import type { Settings } from '../../config/settings.js';
import { contained } from '../../contained.js';

/** Called when a plugin's settings have changed. */
export type ConfigWatcher = (config: Settings, changed: readonly string[]) => unknown;

/** Owns the watchers of one tenant, by plugin. */
export class Watchers {
  readonly #watchers = new Map<string, Set<ConfigWatcher>>();

  add(id: string, watcher: ConfigWatcher): void {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(id, watchers);
  }

  remove(id: string, watcher: ConfigWatcher): void {
    this.#watchers.get(id)?.delete(watcher);
  }

  /** @param failed hears what a watcher has thrown. */
  tell(
    id: string,
    settings: Settings,
    keys: readonly string[],
    failed: (error: unknown) => void,
  ): void {
    for (const watcher of [...(this.#watchers.get(id) ?? [])])
      contained(() => watcher(settings, keys), failed);
  }

  clear(): void {
    this.#watchers.clear();
  }
}
