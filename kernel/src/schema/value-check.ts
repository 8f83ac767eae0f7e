/** Checks a value itself with a schema: its type, its size, its format, and whether it is listed. */
import { hasFormat } from './formats.js';
import type { LinearPattern } from './pattern.js';
import { MAX_SHOWN, type Place, type Run, shown } from './run.js';
import type { SchemaNode } from './schema-guard.js';
import { Steps } from './steps.js';
import { identityOf, lengthOf } from './values.js';

/** Owns what is remembered of the values that a schema lists. */
export class ValueCheck {
  readonly #pattern: (text: string) => LinearPattern;
  readonly #values = new WeakMap<object, ReadonlySet<unknown>>();
  readonly #shown = new WeakMap<object, string>();

  /** @param pattern a pattern of the schema, by its text. */
  constructor(pattern: (text: string) => LinearPattern) {
    this.#pattern = pattern;
  }

  check(
    schema: SchemaNode,
    value: unknown,
    type: string,
    run: Run,
    place: Place | undefined,
  ): boolean {
    let fits = true;
    const wrong = (message: () => string) => {
      fits = run.wrong(place, place === undefined ? '' : message());
    };
    if (schema.type !== undefined) {
      const types = (Array.isArray(schema.type) ? schema.type : [schema.type]) as readonly string[];
      run.steps.take(types.length);
      if (
        !types.includes(type) &&
        !(type === 'number' && types.includes('integer') && Number.isInteger(value))
      )
        wrong(() => `Instance type "${type}" is invalid. Expected "${types.join('", "')}".`);
    }
    if (schema.const !== undefined && !this.#isOne(schema, [schema.const], value, run))
      wrong(() => `Instance does not match ${this.#show(schema, schema.const)}.`);
    if (
      schema.enum !== undefined &&
      !this.#isOne(schema.enum as object, schema.enum as readonly unknown[], value, run)
    )
      wrong(
        () => `Instance does not match any of ${this.#show(schema.enum as object, schema.enum)}.`,
      );
    if (typeof value === 'number') fits = checkNumber(schema, value, run, place) && fits;
    if (typeof value === 'string') fits = this.#checkText(schema, value, run, place) && fits;
    return fits;
  }

  #checkText(
    { minLength, maxLength, pattern, format }: SchemaNode,
    value: string,
    run: Run,
    place: Place | undefined,
  ): boolean {
    let fits = true;
    const wrong = (message: () => string) => {
      fits = run.wrong(place, place === undefined ? '' : message());
    };
    if (typeof minLength === 'number' || typeof maxLength === 'number') {
      const length = lengthOf(value, run.steps);
      if (length < ((minLength as number | undefined) ?? 0))
        wrong(() => `String is too short (${length} < ${String(minLength)}).`);
      if (length > ((maxLength as number | undefined) ?? Number.POSITIVE_INFINITY))
        wrong(() => `String is too long (${length} > ${String(maxLength)}).`);
    }
    if (typeof pattern === 'string' && !this.#pattern(pattern).test(value, run.steps))
      wrong(() => `String does not match pattern ${pattern.slice(0, MAX_SHOWN)}.`);
    if (typeof format === 'string') {
      run.steps.take(2 + (Math.min(value.length, 8_192) >> 2));
      if (!hasFormat(format, value))
        wrong(() => `String does not match format "${format.slice(0, MAX_SHOWN)}".`);
    }
    return fits;
  }

  /** Whether a value is among those that a schema lists. */
  #isOne(owner: object, listed: readonly unknown[], value: unknown, run: Run): boolean {
    let set = this.#values.get(owner);
    if (set === undefined) {
      // The schema was measured before, so reading its listed values is bounded.
      set = new Set(listed.map((one) => identityOf(one, new Steps(Number.POSITIVE_INFINITY))));
      this.#values.set(owner, set);
    }
    return set.has(identityOf(value, run.steps));
  }

  #show(owner: object, value: unknown): string {
    const known = this.#shown.get(owner) ?? shown(value);
    this.#shown.set(owner, known);
    return known;
  }
}

function checkNumber(
  schema: SchemaNode,
  value: number,
  run: Run,
  place: Place | undefined,
): boolean {
  let fits = true;
  const wrong = (message: () => string) => {
    fits = run.wrong(place, place === undefined ? '' : message());
  };
  for (const [keyword, holds, word] of RANGES) {
    const limit = schema[keyword];
    if (typeof limit === 'number' && !holds(value, limit))
      wrong(() => `${value} is ${word} ${limit}.`);
  }
  const { multipleOf } = schema;
  if (typeof multipleOf === 'number' && !isMultiple(value, multipleOf, run.steps))
    wrong(() => `${value} is not a multiple of ${multipleOf}.`);
  return fits;
}

const RANGES: readonly (readonly [
  keyword: string,
  holds: (value: number, limit: number) => boolean,
  word: string,
])[] = [
  ['minimum', (value, limit) => value >= limit, 'less than'],
  ['maximum', (value, limit) => value <= limit, 'greater than'],
  ['exclusiveMinimum', (value, limit) => value > limit, 'not greater than'],
  ['exclusiveMaximum', (value, limit) => value < limit, 'not less than'],
];

/** Computes in decimal digits, as both numbers are written: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, divisor: number, steps: Steps): boolean {
  if (!Number.isFinite(value) || !(divisor > 0)) return false;
  if (
    Number.isInteger(value / divisor) &&
    Number.isSafeInteger(value) &&
    Number.isSafeInteger(divisor)
  )
    return true;
  steps.take(64);
  const [digits, exponent] = decimal(value);
  const [otherDigits, otherExponent] = decimal(divisor);
  const least = Math.min(exponent, otherExponent);
  return (
    (digits * 10n ** BigInt(exponent - least)) %
      (otherDigits * 10n ** BigInt(otherExponent - least)) ===
    0n
  );
}

function decimal(value: number): readonly [digits: bigint, exponent: number] {
  const [digits, exponent = '0'] = Math.abs(value).toString().split('e') as [string, string?];
  const [whole, fraction = ''] = digits.split('.') as [string, string?];
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}
