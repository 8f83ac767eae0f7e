/** Who is installed: one record a version of a plugin, in the order of discovery. */
import { compareVersions, isStable, satisfies } from '@plinth/sdk/contract';
import { manifestOf, type PluginRecord, versionOf } from '../record.js';

/** Holds the records; only the lifecycle writes. */
export class PluginRegistry {
  readonly #records = new Map<string, PluginRecord>();
  /** Keys by plugin id, the default version first. */
  readonly #versions = new Map<string, readonly string[]>();
  /** When a key, and a plugin id, was first seen. */
  readonly #ranks = new Map<string, number>();
  #lastRank = 0;
  #order: readonly string[] | undefined;
  #all: readonly PluginRecord[] | undefined;

  get(key: string): PluginRecord | undefined {
    return this.#records.get(key);
  }

  get size(): number {
    return this.#records.size;
  }

  /**
   * The record that a person means: `id`, `id@range`, or an origin. Without a range it is the default version: the highest
   * stable one. A failed record counts whose manifest claims the id.
   */
  find(reference: string, range?: string): PluginRecord | undefined {
    const exact = range === undefined ? this.#records.get(reference) : undefined;
    if (exact !== undefined) return exact;
    const at = reference.indexOf('@', 1);
    const id = at === -1 ? reference : reference.slice(0, at);
    const wanted = range ?? (at === -1 ? undefined : reference.slice(at + 1));
    const found = this.versions(id).find((record) => wanted === undefined || satisfies(versionOf(record) as string, wanted));
    if (found !== undefined || wanted !== undefined) return found;
    return this.all().find((record) => record.state === 'failed' && (record.error as { plugin?: unknown }).plugin === id);
  }

  /** Every version of a plugin, the default one first. */
  versions(id: string): readonly PluginRecord[] {
    return (this.#versions.get(id) ?? []).map((key) => this.#records.get(key) as PluginRecord);
  }

  /** A name nobody has yet, for a second package of one origin. */
  freeName(name: string): string {
    if (!this.#records.has(name)) return name;
    for (let number = 2; ; number++) if (!this.#records.has(`${name} (${number})`)) return `${name} (${number})`;
  }

  /** Every record, in the order of discovery. */
  all(): readonly PluginRecord[] {
    this.#order ??= [...this.#records.keys()].sort((a, b) => this.rank(a) - this.rank(b));
    this.#all ??= this.#order.map((key) => this.#records.get(key) as PluginRecord);
    return this.#all;
  }

  /** A plugin's place in the order of discovery: what makes hooks and middleware run in the same order every time. */
  rank(idOrKey: string): number {
    return this.#ranks.get(idOrKey) ?? 0;
  }

  put(record: PluginRecord): void {
    const { key, id } = record;
    if (!this.#ranks.has(key)) this.#ranks.set(key, ++this.#lastRank);
    if (!this.#ranks.has(id)) this.#ranks.set(id, this.rank(key));
    const known = this.#records.has(key);
    if (!known) this.#order = undefined;
    this.#all = undefined;
    this.#records.set(key, record);
    if (!known && manifestOf(record) !== undefined) this.#sortVersions(id, [...(this.#versions.get(id) ?? []), key]);
  }

  /** Puts a record in the place of one that had another key: a package whose manifest has been read. */
  rename(oldKey: string, record: PluginRecord): void {
    const rank = this.rank(oldKey);
    this.remove(oldKey);
    this.#ranks.set(record.key, rank);
    this.put(record);
  }

  remove(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#ranks.delete(key);
    this.#order = this.#all = undefined;
    this.#records.delete(key);
    const left = (this.#versions.get(record.id) ?? []).filter((other) => other !== key);
    if (left.length > 0) this.#versions.set(record.id, left);
    else {
      this.#versions.delete(record.id);
      this.#ranks.delete(record.id);
    }
  }

  #sortVersions(id: string, keys: readonly string[]): void {
    const version = (key: string) => versionOf(this.#records.get(key) as PluginRecord) as string;
    const sorted = keys.length === 1 ? keys : [...keys].sort((a, b) => Number(isStable(version(b))) - Number(isStable(version(a))) || compareVersions(version(b), version(a)));
    this.#versions.set(id, sorted);
  }
}
