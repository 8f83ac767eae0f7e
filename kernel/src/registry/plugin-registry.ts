/** Who is installed: one record a plugin, in the order of discovery. */
import type { PluginRecord } from '../record.js';

/** Holds the records; only the lifecycle writes. */
export class PluginRegistry {
  readonly #records = new Map<string, PluginRecord>();
  readonly #ranks = new Map<string, number>();
  #lastRank = 0;

  get(id: string): PluginRecord | undefined {
    return this.#records.get(id);
  }

  all(): readonly PluginRecord[] {
    return [...this.#records.values()];
  }

  /** A plugin's place in the order of discovery: what makes hooks and middleware run in the same order every time. */
  rank(id: string): number {
    return this.#ranks.get(id) ?? 0;
  }

  put(record: PluginRecord): void {
    if (!this.#ranks.has(record.id)) this.#ranks.set(record.id, ++this.#lastRank);
    this.#records.set(record.id, record);
  }

  /** Puts a record in the place of one that had another id: a package whose manifest has just been read. */
  rename(oldId: string, record: PluginRecord): void {
    this.remove(oldId);
    this.put(record);
  }

  remove(id: string): void {
    this.#ranks.delete(id);
    this.#records.delete(id);
  }
}
