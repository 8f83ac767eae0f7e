/** Whether two commits differ in a figure by more than noise. Pure. */
import { medianOf, ratios } from './statistics.ts';

/** Two commits in one figure, with a pair of values a round. */
export interface Difference {
  readonly here: number;
  readonly there: number;
  /** The median of the rounds' ratios, here to there, and their range. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  readonly verdict: 'smaller' | 'larger' | 'noise' | 'the same' | 'too few rounds';
}

/** How often chance alone may look like a difference. */
const CHANCE = 0.05;

/**
 * A sign test over pairs: it needs no assumption about the noise, and both values of a pair are
 * measured one right after the other, so that slow changes of the machine affect both.
 */
export function differenceOf(here: readonly number[], there: readonly number[]): Difference {
  const rounds = ratios(here, there).filter((ratio) => Number.isFinite(ratio));
  return {
    here: medianOf(here),
    there: medianOf(there),
    ratio: medianOf(rounds),
    lowest: Math.min(...rounds),
    highest: Math.max(...rounds),
    verdict: verdictOf(here, there),
  };
}

function verdictOf(here: readonly number[], there: readonly number[]): Difference['verdict'] {
  const smaller = here.filter((value, round) => value < (there[round] as number)).length;
  const larger = here.filter((value, round) => value > (there[round] as number)).length;
  if (smaller + larger === 0) return 'the same';
  if (chanceOf(here.length, 0) > CHANCE) return 'too few rounds';
  if (chanceOf(smaller + larger, Math.min(smaller, larger)) > CHANCE) return 'noise';
  return smaller > larger ? 'smaller' : 'larger';
}

/** How likely coins fall so unevenly: at most this many on one of both sides. */
function chanceOf(coins: number, fewer: number): number {
  let ways = 1;
  let sum = 0;
  for (let n = 0; n <= fewer; n++) {
    sum += ways;
    ways = (ways * (coins - n)) / (n + 1);
  }
  return Math.min(1, (2 * sum) / 2 ** coins);
}
