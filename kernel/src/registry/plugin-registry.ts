/** The installed plugins: one for each version, in the order of discovery. */
import {
  compareVersions,
  createError,
  isRange,
  isStable,
  type Manifest,
  messageOf,
  satisfies,
} from '@plinth/sdk/contract';
import { Plugin } from '../plugin/plugin.js';
import { manifestOf, type PluginRecord, versionOf } from '../plugin/record.js';

/** States in which a plugin has, had or keeps something of a guest. */
const LIVE: ReadonlySet<PluginRecord['state']> = new Set([
  'loaded',
  'initialized',
  'active',
  'suspended',
  'failed',
]);

/** Holds the plugins. Only the lifecycle writes their records. */
export class PluginRegistry {
  readonly #plugins = new Map<string, Plugin>();
  readonly #live = new Set<Plugin>();
  /** Keys by plugin id, the default version first. */
  readonly #versions = new Map<string, readonly string[]>();
  /** Keys of versions that are never the default one while there is another. */
  readonly behind = new Set<string>();
  /** When a key, and a plugin id, was first seen. */
  readonly #ranks = new Map<string, number>();
  #lastRank = 0;
  #order: readonly string[] | undefined;
  #all: readonly PluginRecord[] | undefined;

  /** Called for each change, once it is complete. */
  onChange: ((record: PluginRecord) => void) | undefined = undefined;

  get(key: string): PluginRecord | undefined {
    return this.#plugins.get(key)?.record;
  }

  plugin(key: string): Plugin | undefined {
    return this.#plugins.get(key);
  }

  /** Whether a plugin may be started. One that isn't known may. */
  isEnabled(key: string): boolean {
    return this.#plugins.get(key)?.intent.enabled !== false;
  }

  /** The manifest that a reference means, as soon as there is one. */
  manifest(reference: string): Manifest | undefined {
    const record = this.find(reference);
    return record && manifestOf(record);
  }

  /** The manifests of all versions of a plugin. */
  manifestsOf(id: string): readonly Manifest[] {
    return this.versions(id).flatMap((record) => manifestOf(record) ?? []);
  }

  /** The manifests of all plugins, in any state. */
  manifests(): readonly Manifest[] {
    return this.all().flatMap((record) => manifestOf(record) ?? []);
  }

  /** Every plugin, in no particular order. */
  plugins(): Iterable<Plugin> {
    return this.#plugins.values();
  }

  /** Plugins with a guest, asleep or failed: those that can take a step by themselves. */
  live(): Iterable<Plugin> {
    return this.#live;
  }

  get size(): number {
    return this.#plugins.size;
  }

  /**
   * The record that a reference means: `id`, `id@range`, or an origin. Without a range it is the
   * default version, which is the highest stable one. A failed record counts if its manifest claims
   * the id.
   * @throws PluginConfigurationError `kernel/invalid-option` when the range is none.
   */
  find(reference: string, range?: string): PluginRecord | undefined {
    if (typeof reference !== 'string')
      throw createError(
        'plugin/not-found',
        `a plugin is named by its id, and not ${messageOf(reference)}`,
      );
    const exact = range === undefined ? this.get(reference) : undefined;
    if (exact !== undefined) return exact;
    const at = reference.indexOf('@', 1);
    const id = at === -1 ? reference : reference.slice(0, at);
    const asked: unknown = range ?? (at === -1 ? undefined : reference.slice(at + 1));
    const wanted = asked === undefined ? undefined : String(asked);
    const versions = this.versions(id);
    if (versions.length > 0 && wanted !== undefined && !isRange(wanted))
      throw createError(
        'kernel/invalid-option',
        `'${wanted.slice(0, 80)}' is not a version range: write one like '${id}@^1.2.0'`,
        { plugin: id, details: { option: 'range' } },
      );
    const found = versions.find(
      (record) => wanted === undefined || satisfies(versionOf(record) as string, wanted),
    );
    if (found !== undefined || wanted !== undefined) return found;
    return this.all().find(
      (record) => record.state === 'failed' && (record.error as { plugin?: unknown }).plugin === id,
    );
  }

  /** Every version of a plugin, the default one first. */
  versions(id: string): readonly PluginRecord[] {
    return (this.#versions.get(id) ?? []).map((key) => this.get(key) as PluginRecord);
  }

  /** An unused name, for a second package of one origin. */
  freeName(name: string): string {
    if (!this.#plugins.has(name)) return name;
    for (let number = 2; ; number++)
      if (!this.#plugins.has(`${name} (${number})`)) return `${name} (${number})`;
  }

  /** Every record, in the order of discovery. */
  all(): readonly PluginRecord[] {
    this.#order ??= [...this.#plugins.keys()].sort((a, b) => this.rank(a) - this.rank(b));
    this.#all ??= this.#order.map((key) => this.get(key) as PluginRecord);
    return this.#all;
  }

  /**
   * A plugin's place in the order of discovery. It makes hooks and middleware run in the same order
   * every time.
   */
  rank(idOrKey: string): number {
    return this.#ranks.get(idOrKey) ?? 0;
  }

  /** Writes a record. A key that is new makes a plugin. */
  put(record: PluginRecord): void {
    const plugin = this.#plugins.get(record.key);
    if (plugin === undefined) this.#add(new Plugin(record), this.#lastRank + 1);
    else this.#write(plugin, record);
    this.#all = undefined;
    this.onChange?.(record);
  }

  /** Gives a plugin a record with another key: of its manifest, or of another package. */
  rename(oldKey: string, record: PluginRecord): void {
    const plugin = this.#plugins.get(oldKey) ?? new Plugin(record);
    const rank = this.rank(oldKey);
    const old = plugin.record;
    // In one step, so that a guard that is replaced is never missing in between.
    this.#remove(oldKey);
    if (this.#plugins.has(record.key)) this.#remove(record.key);
    plugin.record = record;
    this.#add(plugin, rank);
    this.onChange?.(record);
    if (old.id !== record.id) this.onChange?.(old);
  }

  remove(key: string): void {
    const record = this.#remove(key);
    if (record !== undefined) this.onChange?.(record);
  }

  #write(plugin: Plugin, record: PluginRecord): void {
    plugin.record = record;
    if (LIVE.has(record.state)) this.#live.add(plugin);
    else this.#live.delete(plugin);
  }

  #add(plugin: Plugin, rank: number): void {
    const { key, id, state } = plugin.record;
    if (LIVE.has(state)) this.#live.add(plugin);
    this.#lastRank = Math.max(this.#lastRank, rank);
    this.#ranks.set(key, rank);
    if (!this.#ranks.has(id)) this.#ranks.set(id, rank);
    this.#order = this.#all = undefined;
    this.#plugins.set(key, plugin);
    if (manifestOf(plugin.record) !== undefined)
      this.#sortVersions(id, [...(this.#versions.get(id) ?? []), key]);
  }

  #remove(key: string): PluginRecord | undefined {
    const plugin = this.#plugins.get(key);
    if (plugin === undefined) return undefined;
    const { record } = plugin;
    this.#live.delete(plugin);
    this.#ranks.delete(key);
    this.#order = this.#all = undefined;
    this.#plugins.delete(key);
    const left = (this.#versions.get(record.id) ?? []).filter((other) => other !== key);
    if (left.length > 0) this.#versions.set(record.id, left);
    else {
      this.#versions.delete(record.id);
      this.#ranks.delete(record.id);
    }
    return record;
  }

  #sortVersions(id: string, keys: readonly string[]): void {
    const version = (key: string) => versionOf(this.get(key) as PluginRecord) as string;
    const sorted =
      keys.length === 1
        ? keys
        : [...keys].sort(
            (a, b) =>
              Number(this.behind.has(a)) - Number(this.behind.has(b)) ||
              Number(isStable(version(b))) - Number(isStable(version(a))) ||
              compareVersions(version(b), version(a)),
          );
    this.#versions.set(id, sorted);
  }
}
