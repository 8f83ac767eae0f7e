/** Who is installed: one record a plugin, in the order of discovery. */
import type { PluginRecord } from '../record.js';

/** Holds the records; only the lifecycle writes. */
export class PluginRegistry {
  readonly #records = new Map<string, PluginRecord>();

  get(id: string): PluginRecord | undefined {
    return this.#records.get(id);
  }

  all(): readonly PluginRecord[] {
    return [...this.#records.values()];
  }

  put(record: PluginRecord): void {
    this.#records.set(record.id, record);
  }

  /** Puts a record in the place of one that had another id: a package whose manifest has just been read. */
  rename(oldId: string, record: PluginRecord): void {
    this.#records.delete(oldId);
    this.put(record);
  }

  remove(id: string): void {
    this.#records.delete(id);
  }
}
