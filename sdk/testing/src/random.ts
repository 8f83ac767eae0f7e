/** Random numbers from a seed: the same in every runtime, so that a failure can be repeated. */

/** A sequence of random numbers. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** An integer from 0 to below a limit. */
  below(limit: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
}

/** The sequence of a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, pick: (list) => list[below(list.length)] ?? list[0] };
}
