/**
 * A histogram whose buckets grow with the value: eight to a doubling, so that a quantile is at most
 * 4.5 % off. Histograms of the same kind can be added up.
 */

/** A histogram as plain data. */
export interface HistogramData {
  readonly count: number;
  readonly total: number;
  readonly max: number;
  /** Numbers of buckets, each followed by the count in it. */
  readonly buckets: readonly number[];
}

const PER_DOUBLING = 8;
/** The upper bound of the first bucket. */
const SMALLEST = 0.001;
const LAST = 60 * PER_DOUBLING;

const bucketOf = (value: number): number =>
  value <= SMALLEST ? 0 : Math.min(LAST, Math.ceil(Math.log2(value / SMALLEST) * PER_DOUBLING));

/** The middle of a bucket, by ratio. */
const middleOf = (bucket: number): number =>
  SMALLEST * 2 ** (Math.max(0, bucket - 0.5) / PER_DOUBLING);

/** Owns the counts of one distribution of values from 0 on. */
export class Histogram {
  count = 0;
  total = 0;
  max = 0;
  readonly #buckets = new Uint32Array(LAST + 1);

  /** Counts a value, or several equal ones. */
  record(value: number, times = 1): void {
    this.count += times;
    this.total += value * times;
    if (value > this.max) this.max = value;
    this.#add(bucketOf(value), times);
  }

  /** Adds the values of another. */
  merge({ count, total, max, buckets }: HistogramData): void {
    this.count += count;
    this.total += total;
    this.max = Math.max(this.max, max);
    for (let at = 0; at + 1 < buckets.length; at += 2) {
      this.#add(buckets[at] as number, buckets[at + 1] as number);
    }
  }

  /** Buckets in use with their counts, the smallest first. */
  get buckets(): readonly (readonly [bucket: number, count: number])[] {
    const used: [number, number][] = [];
    const last = bucketOf(this.max);
    for (let bucket = 0; bucket <= last; bucket++) {
      const count = this.#buckets[bucket] as number;
      if (count > 0) used.push([bucket, count]);
    }
    return used;
  }

  #add(bucket: number, count: number): void {
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + count;
  }

  /** The value that a share of the values doesn't exceed. Undefined when there are none. */
  quantile(share: number): number | undefined {
    let left = Math.ceil(this.count * share);
    for (const [bucket, count] of this.buckets) {
      left -= count;
      if (left <= 0) return Math.min(this.max, middleOf(bucket));
    }
    return undefined;
  }

  /** Counts of the values up to each of some bounds, above the bound before. */
  bucketsIn(bounds: readonly number[]): readonly number[] {
    const counts = bounds.map(() => 0);
    for (const [bucket, count] of this.buckets) {
      const at = bounds.findIndex((bound) => middleOf(bucket) <= bound);
      if (at >= 0) counts[at] = (counts[at] as number) + count;
    }
    return counts;
  }

  toData(): HistogramData {
    const { count, total, max } = this;
    return { count, total, max, buckets: this.buckets.flat() };
  }
}
