/** Attributes of metrics, of which there is a bounded number. */
import type { Attributes } from '@opentelemetry/api';

/** What a series is about. */
export interface SeriesKey {
  readonly tenant: string;
  readonly plugin: string;
  /** The command, hook or topic. */
  readonly member?: string | undefined;
  /** An error's code, or another fact of few values. */
  readonly detail?: string | undefined;
}

/** Series of one plugin in one tenant, so that no plugin takes the place of all others. */
const OF_ONE = 100;

/**
 * Owns the series of one metric. Each has one attributes object, and what is beyond the bound
 * shares one whose names are `other`.
 */
export class Series {
  readonly #most: number;
  readonly #member: string;
  readonly #detail: string;
  readonly #known = new Map<string, Attributes>();
  readonly #counts = new Map<string, number>();
  readonly other: Attributes;

  /**
   * @param most series, without `other`.
   * @param member the attribute for the member.
   * @param detail the attribute for the detail.
   */
  constructor(most: number, member = 'plugin.command', detail = 'error.type') {
    this.#most = most;
    this.#member = member;
    this.#detail = detail;
    this.other = Object.freeze({ 'plugin.id': 'other', [member]: 'other' });
  }

  /** The series of a whole tenant. */
  ofTenant(tenant: string): Attributes {
    const known = this.#known.get(tenant);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#most) return this.other;
    const attributes = Object.freeze({ 'plugin.tenant': tenant });
    this.#known.set(tenant, attributes);
    return attributes;
  }

  of({ tenant, plugin, member, detail }: SeriesKey): Attributes {
    // NUL is in none of them but a detail, which is the last.
    const owner = `${tenant}\0${plugin}`;
    const key = `${owner}\0${member ?? ''}\0${detail ?? ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = this.#counts.get(owner) ?? 0;
    if (this.#known.size >= this.#most || count >= OF_ONE) return this.other;
    const attributes = Object.freeze({
      'plugin.tenant': tenant,
      'plugin.id': plugin,
      ...(member !== undefined && { [this.#member]: member }),
      ...(detail !== undefined && { [this.#detail]: detail }),
    });
    this.#counts.set(owner, count + 1);
    this.#known.set(key, attributes);
    return attributes;
  }
}

/** The calls of one series. */
export interface Tally {
  readonly of: Attributes;
  calls: number;
}

/** Counts calls by their series. It costs less than a counter of an SDK, which is for rare things. */
export class Tallies {
  readonly series: Series;
  readonly #all = new Map<Attributes, Tally>();

  constructor(series: Series) {
    this.series = series;
  }

  of(key: SeriesKey): Tally {
    return this.#tally(this.series.of(key));
  }

  /** What is beyond the bound of series. */
  get other(): Tally {
    return this.#tally(this.series.other);
  }

  all(): Iterable<Tally> {
    return this.#all.values();
  }

  #tally(of: Attributes): Tally {
    const tally = this.#all.get(of) ?? { of, calls: 0 };
    this.#all.set(of, tally);
    return tally;
  }
}
