/** What the values of keywords must be. Validators ignore what they don't understand. */

type Kind = readonly [fits: (value: unknown) => boolean, what: string];

const count: Kind = [
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  'is not a whole number, 0 or more',
];
const number: Kind = [(value) => Number.isFinite(value), 'is not a number'];
/** Before draft 6 they were switches of `minimum` and `maximum`. */
const bound: Kind = [
  (value) => typeof value === 'boolean' || Number.isFinite(value),
  'is not a number',
];
const truth: Kind = [(value) => typeof value === 'boolean', 'is not true or false'];

const KINDS: Readonly<Record<string, Kind>> = {
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  minContains: count,
  maxContains: count,
  minProperties: count,
  maxProperties: count,
  minimum: number,
  maximum: number,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: [
    (value) => Number.isFinite(value) && (value as number) > 0,
    'is not a number above 0',
  ],
  uniqueItems: truth,
};

/** The first keyword of a schema whose value makes no sense, and what is wrong with it. */
export function senselessKeyword(
  node: Readonly<Record<string, unknown>>,
): readonly [keyword: string, what: string] | undefined {
  for (const keyword of Object.keys(node)) {
    const kind = Object.hasOwn(KINDS, keyword) ? KINDS[keyword] : undefined;
    if (kind !== undefined && node[keyword] !== undefined && !kind[0](node[keyword]))
      return [keyword, kind[1]];
  }
  return undefined;
}
