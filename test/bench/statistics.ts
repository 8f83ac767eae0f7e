/**
 * Medians, and two variants measured alternately so that the machine's noise affects both equally.
 */

/** The middle value. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The smallest value that a share of all values doesn't exceed. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Each value over the base's of the same round. */
export function ratios(values: readonly number[], base: readonly number[]): readonly number[] {
  return values.map((value, round) => value / (base[round] as number));
}

/** Samples of two variants, one pair per round. */
export interface Pairs<Sample> {
  readonly plinth: readonly Sample[];
  readonly raw: readonly Sample[];
}

/** Runs two variants in every round, alternating which goes first. */
export async function sideBySide<Sample>(
  rounds: number,
  plinth: () => Promise<Sample>,
  raw: () => Promise<Sample>,
): Promise<Pairs<Sample>> {
  const samples = { plinth: [] as Sample[], raw: [] as Sample[] };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) samples.plinth.push(await plinth());
    samples.raw.push(await raw());
    if (round % 2 === 1) samples.plinth.push(await plinth());
  }
  return samples;
}

/** Milliseconds that some work takes. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Resolves after some milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
