/**
 * Medians, and variants measured in the same rounds, so that the machine's noise affects all
 * equally. Their order within a round is random, so that none always follows the same other one.
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

/** The same items in a random order. */
export function shuffled<T>(items: readonly T[]): readonly T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const at = Math.floor(Math.random() * (last + 1));
    [order[at], order[last]] = [order[last] as T, order[at] as T];
  }
  return order;
}

/** Runs every variant once in every round, in a random order. Returns the samples by variant. */
export async function everyRound<Name extends string, Sample>(
  rounds: number,
  variants: Readonly<Record<Name, () => Promise<Sample>>>,
): Promise<Readonly<Record<Name, readonly Sample[]>>> {
  const names = Object.keys(variants) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    Sample[]
  >;
  for (let round = 0; round < rounds; round++)
    for (const name of shuffled(names)) samples[name].push(await variants[name]());
  return samples;
}

/** Samples of two variants, one pair per round. */
export interface Pairs<Sample> {
  readonly plinth: readonly Sample[];
  readonly raw: readonly Sample[];
}

/** Runs two variants in every round, in a random order. */
export function sideBySide<Sample>(
  rounds: number,
  plinth: () => Promise<Sample>,
  raw: () => Promise<Sample>,
): Promise<Pairs<Sample>> {
  return everyRound(rounds, { plinth, raw });
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
