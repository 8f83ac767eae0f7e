/** Numbers about many calls. */

/** How long calls took, in milliseconds. */
export interface Times {
  readonly median: number;
  /** 99 of 100 calls took at most this. The slowest one, when there are fewer than 100. */
  readonly p99: number;
}

/** Undefined without calls. */
export function timesOf(samples: readonly number[]): Times | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((one, other) => one - other);
  const at = (rank: number) => sorted[rank] as number;
  const middle = Math.floor(sorted.length / 2);
  return {
    median: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    p99: at(Math.ceil(sorted.length * 0.99) - 1),
  };
}
