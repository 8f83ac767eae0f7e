/** Checks what a test gives to the kit: a misspelt option would silently have no effect. */
import { createError } from '@plinth/sdk/contract';

/** What an option has to be, for the message, and whether a value is that. */
export type OptionRule = readonly [what: string, sound: (value: unknown) => boolean];

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Rules that several functions share. */
export const RULES = {
  object: ['an object', isObject],
  list: ['a list', Array.isArray],
  objects: [
    'an object of objects',
    (value) => isObject(value) && Object.values(value as object).every(isObject),
  ],
  function: ['a function', (value) => typeof value === 'function'],
  integer: ['an integer', Number.isInteger],
  time: ['a number of milliseconds above 0', (value) => typeof value === 'number' && value > 0],
  clock: [
    'true, or { now } with a date or milliseconds since the epoch',
    (value) =>
      typeof value === 'boolean' ||
      (isObject(value) && Number.isFinite(Number((value as { now?: unknown }).now))),
  ],
  contracts: [
    'a list of contracts and of what stub() has made',
    (value) =>
      Array.isArray(value) &&
      value.every((one) => isObject(one) && ('$id' in one || 'handlers' in one)),
  ],
} as const satisfies Readonly<Record<string, OptionRule>>;

/**
 * Checks the values of options. An undefined one counts as absent.
 *
 * @param of the function that takes them.
 * @throws PluginConfigurationError `kernel/invalid-option` that names the option.
 */
export function checkValues(
  of: string,
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  const refuse = (what: string, option: string) =>
    createError('kernel/invalid-option', `${of} ${what}`, { details: { option } });
  if (!isObject(options)) throw refuse(`takes an object of options, not ${String(options)}`, of);
  const given = options as Readonly<Record<string, unknown>>;
  for (const [name, [what, sound]] of Object.entries(rules))
    if (given[name] !== undefined && !sound(given[name]))
      throw refuse(`takes ${what} as '${name}'`, name);
}
