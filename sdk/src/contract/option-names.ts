/** Checks the names of options. */

import { didYouMean } from './did-you-mean.js';
import { createError } from './error-codes.js';
import { messageOf } from './errors.js';

/**
 * Refuses unknown options, because a misspelt one would silently have no effect.
 *
 * @param of the owner of the options, for the message.
 * @param at the option that holds them, where the error has to name it: `limits` names `limits.<name>`,
 * and `options` the names alone.
 * @throws PluginConfigurationError `kernel/invalid-option`; it names the option and the closest
 * known one.
 */
export function checkOptionNames(
  of: string,
  given: object | undefined,
  known: readonly string[],
  at?: string,
): void {
  if (given === undefined) return;
  const refuse = (what: string, option: string) =>
    createError('kernel/invalid-option', `${of} ${what}`, { details: { option } });
  // A list, a promise or a Map has no names to be wrong, so its options would be dropped.
  if (Object.prototype.toString.call(given) !== '[object Object]')
    throw refuse(`takes an object of options, not ${messageOf(given)}`, at ?? of);
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw refuse(
        `has no option '${key}'${didYouMean(key, known, Object.keys(given))}`,
        at === undefined || at === 'options' ? key : `${at}.${key}`,
      );
}
