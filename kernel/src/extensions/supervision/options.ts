/** The options of supervision. */
import { A_TIME, createError, didYouMean, isTime, messageOf } from '@plinth/sdk/contract';
import { isObject } from '../../option-checks.js';

/** What happens to guests that crash, hang or stay silent. Times in milliseconds. */
export interface SupervisionOptions {
  /** Whether a plugin is restarted when its guest has ended unexpectedly; true when absent. */
  readonly restart?: boolean;
  /**
   * The delay before the first restart. It doubles with each crash that follows within {@link
   * within}, with jitter. 250 when absent, Infinity for never.
   */
  readonly backoff?: number;
  /**
   * The longest delay before a restart; 30 000 when absent, or {@link backoff} when that is longer.
   */
  readonly maxBackoff?: number;
  /** Crashes within {@link within} after which a plugin is quarantined; 5 when absent. */
  readonly crashes?: number;
  /** 60 000 when absent. */
  readonly within?: number;
  /** The time between two looks at a guest that sends nothing itself; 1 000 when absent. */
  readonly heartbeat?: number;
  /**
   * Silence after which a guest counts as hung and is ended; 4 000 when absent, Infinity for never.
   */
  readonly timeout?: number;
  /**
   * The time between two snapshots of a plugin with `getState`. A restart restores the last one. 10
   * 000 when absent, Infinity for none.
   */
  readonly snapshot?: number;
}

/** {@link SupervisionOptions} with every value decided. */
export type Supervision = Required<SupervisionOptions>;

const DEFAULTS: Supervision = {
  restart: true,
  backoff: 250,
  maxBackoff: 30_000,
  crashes: 5,
  within: 60_000,
  heartbeat: 1_000,
  timeout: 4_000,
  snapshot: 10_000,
};
const NONE: Supervision = {
  ...DEFAULTS,
  restart: false,
  timeout: Number.POSITIVE_INFINITY,
  snapshot: Number.POSITIVE_INFINITY,
};

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function supervisionOf(options: SupervisionOptions | boolean | undefined): Supervision {
  if (options === false) return NONE;
  if (options === undefined || options === true) return DEFAULTS;
  if (!isObject(options))
    throw createError(
      'kernel/invalid-option',
      `'supervision' is a boolean or an object, not ${messageOf(options)}`,
      { details: { option: 'supervision' } },
    );
  for (const [key, value] of Object.entries(options)) {
    const refuse = (what: string) =>
      createError('kernel/invalid-option', `'supervision.${key}' ${what}`, {
        details: { option: `supervision.${key}` },
      });
    if (!Object.hasOwn(DEFAULTS, key))
      throw refuse(
        `is not an option${didYouMean(key, Object.keys(DEFAULTS), Object.keys(options))}`,
      );
    if (value === undefined) continue;
    if (key === 'restart' ? typeof value !== 'boolean' : !isTime(value))
      throw refuse(
        `must be ${key === 'restart' ? 'a boolean' : key === 'crashes' ? 'a number above 0 (Infinity for never)' : A_TIME}, not ${messageOf(value)}`,
      );
  }
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as SupervisionOptions;
  return { ...DEFAULTS, maxBackoff: Math.max(DEFAULTS.maxBackoff, given.backoff ?? 0), ...given };
}
