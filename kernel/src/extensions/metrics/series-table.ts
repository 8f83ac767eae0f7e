/** Series by their name, bounded: names come from plugins. */
import { Series, type SeriesData, type SeriesName } from './series.js';

/** The most series of a tenant, and of one plugin. What is beyond them is one series a plugin. */
export const MAX_SERIES = 2_000;
const MAX_OF_PLUGIN = 200;

/** Owns the series of one stretch of time. */
export class SeriesTable {
  readonly #all = new Map<string, Series>();
  readonly #counts = new Map<string, number>();

  get all(): readonly Series[] {
    return [...this.#all.values()];
  }

  get size(): number {
    return this.#all.size;
  }

  of(name: SeriesName): Series {
    const { plugin, feature } = name;
    const known = this.#all.get(keyOf(name));
    if (known !== undefined) return known;
    const count = this.#counts.get(plugin) ?? 0;
    if (feature !== '*' && (count >= MAX_OF_PLUGIN || this.#all.size >= MAX_SERIES))
      return this.of({ ...name, feature: '*' });
    const series = new Series(name);
    this.#all.set(keyOf(name), series);
    this.#counts.set(plugin, count + 1);
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
