/** How a canary is run, and whether that makes sense. */
import { A_TIME, didYouMean, isTime, messageOf } from '@plinth/sdk/contract';
import { objectAt, oneOf, wrong } from '../../../option-checks.js';

/** A later version that answers a share of the calls beside the one that it may replace. */
export interface CanaryOptions {
  /** The share of calls that it answers: above 0, at most 1. With 1, `compare` must be false. */
  readonly share: number;
  /**
   * What the share is of. `call`: each call by itself, when absent. `user`, `caller`: all calls of a
   * user, or of a caller, reach the same version. Calls without a user stay with the version before.
   */
  readonly by?: 'call' | 'user' | 'caller';
  /** Which calls, users or callers are chosen. The same number chooses the same; 1 when absent. */
  readonly seed?: number;
  /**
   * Which calls the version before answers when the canary ends while it works on them. Such a call
   * may have been done in part. `idempotent`: those of commands that say so, when absent.
   */
  readonly repeat?: 'idempotent' | 'all';
  /** When it is promoted or rolled back. With false, only by hand. */
  readonly compare?: CanaryComparison | false;
}

/** The rule by which a canary is promoted or rolled back. */
export interface CanaryComparison {
  /** How many calls each version must have answered; 100 when absent. */
  readonly calls?: number;
  /** How much larger the share of failed calls may be: 0 to 1; 0.01 when absent. */
  readonly errors?: number;
  /**
   * How many times as long calls may take at the 95th percentile; 1.5 when absent. Differences below
   * 5 ms never count.
   */
  readonly latency?: number;
  /**
   * Milliseconds after which it is rolled back when it has not answered enough calls; 600 000 when
   * absent.
   */
  readonly window?: number;
}

/** {@link CanaryOptions} with every value decided. */
export interface Canarying extends Required<Omit<CanaryOptions, 'compare'>> {
  readonly compare: Required<CanaryComparison> | undefined;
}

const COMPARISON: Required<CanaryComparison> = {
  calls: 100,
  errors: 0.01,
  latency: 1.5,
  window: 600_000,
};

type Checks = Readonly<
  Record<string, readonly [isSound: (value: unknown) => boolean, what: string]>
>;

const isNumber = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most;

const CHECKS: Checks = {
  share: [(value) => isNumber(value, Number.MIN_VALUE, 1), 'a number above 0, at most 1'],
  seed: [Number.isSafeInteger, 'a whole number'],
};

const COMPARE_CHECKS: Checks = {
  calls: [
    (value) => Number.isSafeInteger(value) && (value as number) > 0,
    'a whole number above 0',
  ],
  errors: [(value) => isNumber(value, 0, 1), 'a number from 0 to 1'],
  latency: [(value) => isNumber(value, 1, Number.POSITIVE_INFINITY), 'a number from 1'],
  window: [isTime, A_TIME],
};

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function canaryingOf(options: CanaryOptions): Canarying {
  checkAll('canary', options, CHECKS, ['by', 'repeat', 'compare']);
  const { share, by = 'call', seed = 1, repeat = 'idempotent', compare } = options;
  if (share === undefined)
    throw wrong('canary.share', 'must be given: a number above 0, at most 1');
  oneOf('canary.by', by, ['call', 'user', 'caller']);
  oneOf('canary.repeat', repeat, ['idempotent', 'all']);
  if (compare === false) return { share, by, seed, repeat, compare: undefined };
  if (share === 1 && by === 'call')
    throw wrong('canary.share', 'must be below 1 where a rule compares, or say compare: false');
  checkAll('canary.compare', compare ?? {}, COMPARE_CHECKS, []);
  const given = Object.entries(compare ?? {}).filter(([, value]) => value !== undefined);
  return { share, by, seed, repeat, compare: { ...COMPARISON, ...Object.fromEntries(given) } };
}

function checkAll(at: string, given: unknown, checks: Checks, more: readonly string[]): void {
  const known = [...Object.keys(checks), ...more];
  for (const [name, value] of Object.entries(objectAt(at, given))) {
    if (!known.includes(name))
      throw wrong(`${at}.${name}`, `is not an option${didYouMean(name, known, [])}`);
    const check = checks[name];
    if (value !== undefined && check !== undefined && !check[0](value))
      throw wrong(`${at}.${name}`, `must be ${check[1]}, not ${messageOf(value)}`);
  }
}
