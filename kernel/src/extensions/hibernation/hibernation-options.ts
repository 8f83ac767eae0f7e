/** The option `hibernation`, and whether it makes sense. */
import {
  A_TIME,
  createError,
  didYouMean,
  isTime,
  messageOf,
  parseSize,
} from '@plinth/sdk/contract';
import { isObject } from '../../option-checks.js';

/** Which plugins give up their guest while they are idle. */
export interface HibernationOptions {
  /**
   * Milliseconds without a call or an event after which a plugin sleeps. When absent, time alone
   * puts none to sleep.
   */
  readonly idle?: number;
  /**
   * The most memory of all guests together, like `'512MB'`. Above it, the plugins that were idle
   * longest sleep first. It applies where guests can report their memory.
   */
  readonly memory?: string | number;
  /** The most plugins awake at a time. */
  readonly awake?: number;
  /** Ids or prefixes of the plugins that may sleep; all when absent. */
  readonly plugins?: readonly string[];
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkHibernation(options: HibernationOptions | undefined): void {
  if (options === undefined) return;
  const known: Record<string, readonly [sound: (value: unknown) => boolean, what: string]> = {
    idle: [isTime, A_TIME],
    memory: [
      (value) =>
        (typeof value === 'string' || typeof value === 'number') && parseSize(value) !== undefined,
      "a size like '512MB'",
    ],
    awake: [
      (value) => Number.isSafeInteger(value) && (value as number) > 0,
      'a whole number above 0',
    ],
    plugins: [
      (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
      'a list of ids or prefixes',
    ],
  };
  const refuse = (option: string, what: string) =>
    createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
  if (!isObject(options))
    throw refuse('hibernation', `must be an object, not ${messageOf(options)}`);
  for (const [key, value] of Object.entries(options)) {
    const check = Object.hasOwn(known, key) ? known[key] : undefined;
    if (check === undefined)
      throw refuse(
        `hibernation.${key}`,
        `is not an option${didYouMean(key, Object.keys(known), Object.keys(options))}`,
      );
    if (value !== undefined && !check[0](value))
      throw refuse(`hibernation.${key}`, `must be ${check[1]}, not ${messageOf(value)}`);
  }
}
