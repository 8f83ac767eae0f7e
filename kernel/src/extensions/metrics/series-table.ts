/** Series by their name, bounded: names come from plugins. */
import { Series, type SeriesData, type SeriesName } from './series.js';

/** The most series of a tenant, and of one plugin. What is beyond them is one series a plugin. */
export const MAX_SERIES = 2_000;
const MAX_OF_PLUGIN = 200;

/** Owns the series of one stretch of time. */
export class SeriesTable {
  readonly #all = new Map<string, Series>();
  readonly #byPlugin = new Map<string, Series[]>();

  get all(): readonly Series[] {
    return [...this.#all.values()];
  }

  /** Plugins with series. */
  get plugins(): Iterable<string> {
    return this.#byPlugin.keys();
  }

  ofPlugin(plugin: string): readonly Series[] {
    return this.#byPlugin.get(plugin) ?? [];
  }

  get size(): number {
    return this.#all.size;
  }

  of(name: SeriesName): Series {
    const { plugin, feature } = name;
    const known = this.#all.get(keyOf(name));
    if (known !== undefined) return known;
    const own = this.#byPlugin.get(plugin) ?? [];
    if (feature !== '*' && (own.length >= MAX_OF_PLUGIN || this.#all.size >= MAX_SERIES))
      return this.of({ ...name, feature: '*' });
    const series = new Series(name);
    this.#all.set(keyOf(name), series);
    own.push(series);
    this.#byPlugin.set(plugin, own);
    return series;
  }

  merge(all: readonly SeriesData[]): void {
    for (const one of all) {
      const { kind, feature, plugin } = one;
      this.of({ kind, feature, plugin }).merge(one);
    }
  }

  toData(): readonly SeriesData[] {
    return this.all.map((series) => series.toData());
  }
}

const keyOf = ({ kind, feature, plugin }: SeriesName): string => `${kind} ${feature} ${plugin}`;
