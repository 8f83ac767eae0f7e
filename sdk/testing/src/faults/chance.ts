/** Which calls a fault strikes. */
import { checkOptionNames, covers, createError, isPattern } from '@plinth/sdk/contract';
import { type Random, randomOf } from '../random.js';

/** How often a fault strikes. The same seed strikes the same calls, in every runtime. */
export interface Chance {
  /** From 0 (never) to 1 (always, as when absent). */
  readonly rate?: number;
  /** Any integer; 1 when absent. */
  readonly seed?: number;
  /** How often at most; without limit when absent. */
  readonly times?: number;
}

/**
 * Answers for each call in turn whether it is struck, and with which random numbers.
 *
 * @param pattern the command's wire id; its end may be `*`.
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function strikes(pattern: string, chance: Chance): (command: string) => Random | undefined {
  checkOptionNames('a fault', chance, ['rate', 'seed', 'times']);
  const { rate = 1, seed = 1, times = Number.POSITIVE_INFINITY } = chance;
  if (typeof pattern !== 'string' || !isPattern(pattern))
    throw createError(
      'kernel/invalid-option',
      `'${String(pattern).slice(0, 80)}' names no command: write 'com.example.notes:add', or a prefix that ends in '*'`,
    );
  if (!(rate >= 0 && rate <= 1) || !Number.isInteger(seed) || !(times >= 0))
    throw createError(
      'kernel/invalid-option',
      "a fault has a 'rate' from 0 to 1, an integer as 'seed', and 'times' from 0 on",
    );
  const random = randomOf(seed);
  let left = times;
  return (command) => {
    if (!covers(pattern, command)) return undefined;
    const hit = random.next() < rate && left > 0;
    if (hit) left -= 1;
    return hit ? random : undefined;
  };
}
