/** Checks of props. Each answers the value that is shown, or undefined to leave it out. */

/** A value that an element may show. */
export type PropValue = string | number | boolean;

/** Answers the value that is shown, or undefined for one that is left out. */
export type Check = (value: unknown) => PropValue | undefined;

/** A text of at most so many characters. */
export const text =
  (most = 10_000): Check =>
  (value) =>
    typeof value === 'string' && value.length <= most ? value : undefined;

/** Yes or no. */
export const flag: Check = (value) => (typeof value === 'boolean' ? value : undefined);

/** A finite number. */
export const number: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** A whole number in a range. */
export const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : undefined;

/** One of some values. */
export const oneOf =
  (...values: readonly PropValue[]): Check =>
  (value) =>
    values.includes(value as PropValue) ? (value as PropValue) : undefined;

const ADDRESS_MOST = 2_048;

/** An address that a link may lead to. */
export const address: Check = (value) => {
  if (typeof value !== 'string' || value.length > ADDRESS_MOST || !URL.canParse(value))
    return undefined;
  const { protocol, href, username, password } = new URL(value);
  // What stands before an `@` looks like a host to readers.
  if (username !== '' || password !== '') return undefined;
  return protocol === 'https:' || protocol === 'mailto:' ? href : undefined;
};
