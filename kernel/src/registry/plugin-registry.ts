/** Who is installed: one record a plugin, in the order of discovery. */
import type { PluginRecord } from '../record.js';

/** Holds the records; only the lifecycle writes. */
export class PluginRegistry {
  readonly #records = new Map<string, PluginRecord>();
  readonly #ranks = new Map<string, number>();
  #lastRank = 0;
  #order: readonly string[] | undefined;

  get(id: string): PluginRecord | undefined {
    return this.#records.get(id);
  }

  /** The record of an id, or a failed one whose manifest claims the id. */
  find(id: string): PluginRecord | undefined {
    return this.get(id) ?? this.all().find((record) => record.state === 'failed' && (record.error as { plugin?: unknown }).plugin === id);
  }

  /** A name nobody has yet, for a second package of one origin. */
  freeName(name: string): string {
    if (!this.#records.has(name)) return name;
    for (let number = 2; ; number++) if (!this.#records.has(`${name} (${number})`)) return `${name} (${number})`;
  }

  /** Every record, in the order of discovery. */
  all(): readonly PluginRecord[] {
    this.#order ??= [...this.#records.keys()].sort((a, b) => this.rank(a) - this.rank(b));
    return this.#order.map((id) => this.#records.get(id) as PluginRecord);
  }

  /** A plugin's place in the order of discovery: what makes hooks and middleware run in the same order every time. */
  rank(id: string): number {
    return this.#ranks.get(id) ?? 0;
  }

  put(record: PluginRecord): void {
    if (!this.#ranks.has(record.id)) {
      this.#ranks.set(record.id, ++this.#lastRank);
      this.#order = undefined;
    }
    this.#records.set(record.id, record);
  }

  /** Puts a record in the place of one that had another id: a package whose manifest has been read. */
  rename(oldId: string, record: PluginRecord): void {
    const rank = this.rank(oldId);
    this.remove(oldId);
    this.#ranks.set(record.id, rank);
    this.#order = undefined;
    this.#records.set(record.id, record);
  }

  remove(id: string): void {
    this.#ranks.delete(id);
    this.#order = undefined;
    this.#records.delete(id);
  }
}
