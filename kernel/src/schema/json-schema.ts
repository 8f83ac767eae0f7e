/**
 * Checks values with a JSON Schema (2020-12 and draft-07 in one document), both untrusted. No code
 * is generated, patterns match in linear time, steps are counted and end as a problem.
 */
import { didYouMean, type Issue, messageOf } from '@plinth/sdk/contract';
import { hasFormat } from './formats.js';
import type { LinearPattern } from './pattern.js';
import { guardSchema, type JsonSchema, partOf, type SchemaNode } from './schema-guard.js';
import { Steps, TooManySteps } from './steps.js';
import { identityOf, lengthOf, MAX_DEPTH, typeOf } from './values.js';

/** The most problems that are reported. */
const MAX_ISSUES = 50;
const MAX_SHOWN = 160;
/** The most names that a misspelt key is compared with. */
const MAX_NEAR = 64;

/** The path of a value. It becomes text only for a problem. */
interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** The parts of an object or a list that were evaluated, for `unevaluated…`. */
class Seen {
  readonly keys = new Set<string | number>();
  all = false;

  add({ keys, all }: Seen): void {
    this.all ||= all;
    for (const key of keys) this.keys.add(key);
  }
}

/** Checks values with one schema. */
export class SchemaCheck {
  readonly #schema: JsonSchema;
  readonly #draft7: boolean;
  readonly #tracks: boolean;
  readonly #patterns: ReadonlyMap<string, LinearPattern>;
  readonly #references = new Map<string, JsonSchema>();
  readonly #values = new WeakMap<object, ReadonlySet<unknown>>();
  readonly #shown = new WeakMap<object, string>();
  readonly #names = new WeakMap<object, readonly string[]>();

  /**
   * @param where the schema's place in the manifest, for messages.
   * @throws PluginManifestError `manifest/invalid` when the schema is invalid or exceeds the limits
   * of a schema.
   */
  constructor(schema: JsonSchema, plugin: string, where: string) {
    this.#patterns = guardSchema(schema, plugin, where);
    this.#schema = schema;
    this.#draft7 = typeof schema === 'object' && /draft-0[3467]/.test(String(schema.$schema));
    this.#tracks = /"unevaluated(?:Items|Properties)"/.test(JSON.stringify(schema));
  }

  /**
   * Finds the problems of a value: at most 50, none when it is valid.
   * @param limit returns how many steps the check may cost.
   */
  problems(value: unknown, limit: () => number): readonly Issue[] {
    try {
      const run = new Run(new Steps(limit()), []);
      this.#check(this.#schema, value, run, ROOT, 0, undefined);
      return run.issues;
    } catch (error) {
      // An unreadable value counts as invalid, too.
      const why =
        error instanceof TooManySteps
          ? 'is more than can be checked: the schema takes too many steps for it'
          : `cannot be checked: ${messageOf(error)}`;
      return [{ path: '', message: why }];
    }
  }

  /** Whether a value is valid. Without a place, the first problem ends the check. */
  #check(
    schema: JsonSchema,
    value: unknown,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    // This costs more than a step of a pattern.
    run.steps.take(4);
    if (schema === true) return true;
    if (schema === false) return run.wrong(place, place === undefined ? '' : 'is not allowed');
    if (depth > MAX_DEPTH) throw new TooManySteps('it is nested too deep');
    if (schema.$ref !== undefined && this.#draft7)
      return this.#check(this.#refer(schema.$ref as string), value, run, place, depth + 1, seen);
    const own =
      seen ??
      (this.#tracks && value !== null && typeof value === 'object' ? new Seen() : undefined);
    const type = typeOf(value);
    let fits = this.#checkItself(schema, value, type, run, place);
    const goesOn = () => fits || !run.over(place);
    if (goesOn())
      fits = this.#checkAlternatives(schema, value, type, run, place, depth, own) && fits;
    if (type === 'object' && goesOn())
      fits =
        this.#checkObject(
          schema,
          value as Readonly<Record<string, unknown>>,
          run,
          place,
          depth,
          own,
        ) && fits;
    if (type === 'array' && goesOn())
      fits = this.#checkList(schema, value as readonly unknown[], run, place, depth, own) && fits;
    return fits;
  }

  #refer(reference: string): JsonSchema {
    const known =
      this.#references.get(reference) ?? (partOf(this.#schema, reference) as JsonSchema);
    this.#references.set(reference, known);
    return known;
  }

  // --- the value itself --------------------------------------------------------------------------

  #checkItself(
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
    if (typeof value === 'number') {
      for (const [keyword, holds, word] of RANGES) {
        const limit = schema[keyword];
        if (typeof limit === 'number' && !holds(value, limit))
          wrong(() => `${value} is ${word} ${limit}.`);
      }
      const { multipleOf } = schema;
      if (typeof multipleOf === 'number' && !isMultiple(value, multipleOf, run.steps))
        wrong(() => `${value} is not a multiple of ${multipleOf}.`);
    }
    if (typeof value === 'string') {
      const { minLength, maxLength, pattern, format } = schema;
      if (typeof minLength === 'number' || typeof maxLength === 'number') {
        const length = lengthOf(value, run.steps);
        if (length < ((minLength as number | undefined) ?? 0))
          wrong(() => `String is too short (${length} < ${String(minLength)}).`);
        if (length > ((maxLength as number | undefined) ?? Number.POSITIVE_INFINITY))
          wrong(() => `String is too long (${length} > ${String(maxLength)}).`);
      }
      if (typeof pattern === 'string' && !this.#matches(pattern, value, run))
        wrong(() => `String does not match pattern ${pattern.slice(0, MAX_SHOWN)}.`);
      if (typeof format === 'string') {
        run.steps.take(2 + (Math.min(value.length, 8_192) >> 2));
        if (!hasFormat(format, value))
          wrong(() => `String does not match format "${format.slice(0, MAX_SHOWN)}".`);
      }
    }
    return fits;
  }

  #matches(pattern: string, text: string, run: Run): boolean {
    return (this.#patterns.get(pattern) as LinearPattern).test(text, run.steps);
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

  // --- other schemas of the same value -----------------------------------------------------------

  #checkAlternatives(
    schema: SchemaNode,
    value: unknown,
    type: string,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    const {
      $ref,
      allOf,
      anyOf,
      oneOf,
      not,
      if: condition,
      dependentSchemas,
      dependencies,
    } = schema;
    let fits = true;
    /** Applies a schema that has to hold, and reports its problems. */
    const must = (other: JsonSchema) => {
      if (fits || !run.over(place))
        fits = this.#within(other, value, run, place, depth, seen) && fits;
    };
    const holds = (other: JsonSchema) => this.#within(other, value, run, undefined, depth, seen);
    if ($ref !== undefined) must(this.#refer($ref as string));
    if (
      not !== undefined &&
      this.#check(not as JsonSchema, value, run, undefined, depth + 1, undefined)
    )
      fits = run.wrong(place, 'Instance matched "not" schema.');
    // Every schema is checked, because each may evaluate other parts.
    if (anyOf !== undefined) {
      const list = anyOf as readonly JsonSchema[];
      if (!(seen === undefined ? list.some(holds) : list.filter(holds).length > 0))
        fits = run.wrong(place, 'Instance does not match any subschemas.');
    }
    for (const one of (allOf as readonly JsonSchema[] | undefined) ?? []) must(one);
    if (oneOf !== undefined) {
      const matches = (oneOf as readonly JsonSchema[]).filter(holds).length;
      if (matches !== 1)
        fits = run.wrong(
          place,
          `Instance does not match exactly one subschema (${matches} matches).`,
        );
    }
    if (condition !== undefined) {
      const next = holds(condition as JsonSchema) ? schema.then : schema.else;
      if (next !== undefined) must(next as JsonSchema);
    }
    if (type === 'object' && (dependencies ?? dependentSchemas) !== undefined) {
      for (const [key, other] of Object.entries({
        ...(dependencies as object | undefined),
        ...(dependentSchemas as object | undefined),
      })) {
        run.steps.take(1);
        if (has(value as object, key) && !Array.isArray(other)) must(other as JsonSchema);
      }
    }
    return fits;
  }

  /** Like {@link #check}, for the same value. Evaluated parts count when the schema holds. */
  #within(
    schema: JsonSchema,
    value: unknown,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    if (seen === undefined) return this.#check(schema, value, run, place, depth + 1, undefined);
    const inner = new Seen();
    const fits = this.#check(schema, value, run, place, depth + 1, inner);
    run.steps.take(inner.keys.size);
    if (fits) seen.add(inner);
    return fits;
  }

  // --- objects -----------------------------------------------------------------------------------

  #checkObject(
    schema: SchemaNode,
    object: Readonly<Record<string, unknown>>,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    const {
      required,
      minProperties,
      maxProperties,
      propertyNames,
      properties,
      patternProperties,
      additionalProperties,
      unevaluatedProperties,
    } = schema;
    let fits = true;
    const over = () => !fits && run.over(place);
    const wrong = (message: string, at = place) => {
      fits = run.wrong(at, message);
    };
    const missing = (names: readonly string[], of?: string) => {
      run.steps.take(names.length);
      for (const name of names) {
        if (has(object, name)) continue;
        wrong(
          of === undefined
            ? `Instance does not have required property "${cut(name)}".`
            : `Instance has "${cut(of)}" but does not have "${cut(name)}".`,
        );
        if (over()) return;
      }
    };
    const part = (other: JsonSchema, key: string) => {
      const at = place === undefined ? undefined : { parent: place, key };
      seen?.keys.add(key);
      if (other === false && (other === additionalProperties || other === unevaluatedProperties))
        wrong(this.#unknownKey(key, schema, run, at), at);
      else fits = this.#check(other, object[key], run, at, depth + 1, undefined) && fits;
    };

    if (required !== undefined) missing(required as readonly string[]);
    for (const keyword of ['dependentRequired', 'dependencies']) {
      for (const [key, names] of Object.entries((schema[keyword] as object | undefined) ?? {})) {
        run.steps.take(1);
        if (Array.isArray(names) && has(object, key)) missing(names as readonly string[], key);
      }
    }
    if (
      minProperties === undefined &&
      maxProperties === undefined &&
      [
        propertyNames,
        properties,
        patternProperties,
        additionalProperties,
        unevaluatedProperties,
      ].every(isAbsent)
    )
      return fits;
    const keys = Object.keys(object).filter((key) => object[key] !== undefined);
    run.steps.take(keys.length * 6);
    if (typeof minProperties === 'number' && keys.length < minProperties)
      wrong(`Instance does not have at least ${minProperties} properties.`);
    if (typeof maxProperties === 'number' && keys.length > maxProperties)
      wrong(`Instance has more than ${maxProperties} properties.`);
    const patterns = Object.entries(
      (patternProperties as Readonly<Record<string, JsonSchema>> | undefined) ?? {},
    );
    for (const key of keys) {
      if (over()) return false;
      if (
        propertyNames !== undefined &&
        !this.#check(propertyNames as JsonSchema, key, run, undefined, depth + 1, undefined)
      )
        wrong(`Property name "${cut(key)}" does not match schema.`);
      let named = false;
      if (properties !== undefined && Object.hasOwn(properties as object, key)) {
        named = true;
        part((properties as Readonly<Record<string, JsonSchema>>)[key] as JsonSchema, key);
      }
      for (const [pattern, other] of patterns) {
        if (!this.#matches(pattern, key, run)) continue;
        named = true;
        part(other, key);
      }
      if (!named && additionalProperties !== undefined)
        part(additionalProperties as JsonSchema, key);
    }
    if (unevaluatedProperties !== undefined && seen !== undefined && !seen.all) {
      run.steps.take(keys.length);
      for (const key of keys) {
        if (over()) return false;
        if (!seen.keys.has(key)) part(unevaluatedProperties as JsonSchema, key);
      }
      seen.all = true;
    }
    return fits;
  }

  #unknownKey(key: string, schema: SchemaNode, run: Run, at: Place | undefined): string {
    if (at === undefined) return '';
    const { properties } = schema;
    if (properties === undefined) return 'unknown key';
    const known = this.#names.get(properties as object) ?? Object.keys(properties as object);
    this.#names.set(properties as object, known);
    if (known.length > MAX_NEAR) return 'unknown key';
    run.steps.take(known.length * 256);
    return `unknown key${didYouMean(key, known, [])}`;
  }

  // --- lists -------------------------------------------------------------------------------------

  #checkList(
    schema: SchemaNode,
    list: readonly unknown[],
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    const { minItems, maxItems, items, additionalItems, unevaluatedItems, contains, uniqueItems } =
      schema;
    let fits = true;
    const over = () => !fits && run.over(place);
    const part = (other: JsonSchema, index: number) => {
      seen?.keys.add(index);
      fits =
        this.#check(
          other,
          list[index],
          run,
          place === undefined ? undefined : { parent: place, key: index },
          depth + 1,
          undefined,
        ) && fits;
    };

    if (typeof maxItems === 'number' && list.length > maxItems)
      fits = run.wrong(place, `Array has too many items (${list.length} > ${maxItems}).`);
    if (typeof minItems === 'number' && list.length < minItems)
      fits = run.wrong(place, `Array has too few items (${list.length} < ${minItems}).`);
    // Before 2020-12 a tuple was written as `items`.
    const tuple = (
      Array.isArray(items) ? items : (schema.prefixItems ?? [])
    ) as readonly JsonSchema[];
    const rest = (Array.isArray(items) ? additionalItems : items) as JsonSchema | undefined;
    const named = rest === undefined ? Math.min(tuple.length, list.length) : list.length;
    for (let index = 0; index < named; index++) {
      if (over()) return false;
      part((index < tuple.length ? tuple[index] : rest) as JsonSchema, index);
    }
    if (contains !== undefined && !over())
      fits = this.#contains(schema, list, run, place, depth, seen) && fits;
    if (uniqueItems === true && !over()) {
      const before = new Set<unknown>();
      const twice = list.findIndex(
        (one) => before.size === before.add(identityOf(one, run.steps)).size,
      );
      if (twice !== -1)
        fits = run.wrong(place, `Array has duplicate items, the second of them at ${twice}.`);
    }
    if (unevaluatedItems !== undefined && seen !== undefined && !seen.all) {
      for (let index = 0; index < list.length; index++) {
        if (over()) return false;
        run.steps.take(1);
        if (!seen.keys.has(index)) part(unevaluatedItems as JsonSchema, index);
      }
      seen.all = true;
    }
    return fits;
  }

  #contains(
    { contains, minContains, maxContains }: SchemaNode,
    list: readonly unknown[],
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    const least = typeof minContains === 'number' ? minContains : 1;
    const most = typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY;
    let found = 0;
    for (let index = 0; index < list.length; index++) {
      if (!this.#check(contains as JsonSchema, list[index], run, undefined, depth + 1, undefined))
        continue;
      found += 1;
      if (!this.#draft7) seen?.keys.add(index);
    }
    if (found < least)
      return run.wrong(place, `Array has ${found} items of a kind of which it needs ${least}.`);
    return (
      found <= most ||
      run.wrong(place, `Array has ${found} items of a kind of which it may have ${most}.`)
    );
  }
}

const ROOT: Place = { parent: undefined, key: '' };

/** One check. */
class Run {
  readonly steps: Steps;
  readonly issues: Issue[];

  constructor(steps: Steps, issues: Issue[]) {
    this.steps = steps;
    this.issues = issues;
  }

  /** Records a problem when the caller wants it. Always returns false. */
  wrong(place: Place | undefined, message: string): false {
    if (place !== undefined && this.issues.length < MAX_ISSUES)
      this.issues.push({ path: pathOf(place), message });
    return false;
  }

  /** Whether a check can stop after a problem, because the caller needs no more. */
  over(place: Place | undefined): boolean {
    return place === undefined || this.issues.length >= MAX_ISSUES;
  }
}

function pathOf(place: Place): string {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.parent !== undefined; at = at.parent)
    keys.push(typeof at.key === 'string' ? cut(at.key) : at.key);
  return keys.reverse().join('.');
}

const isAbsent = (value: unknown) => value === undefined;
const has = (object: object, key: string) =>
  Object.hasOwn(object, key) && (object as Readonly<Record<string, unknown>>)[key] !== undefined;
const cut = (text: string) => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
const shown = (value: unknown) => cut(JSON.stringify(value) ?? String(value));

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
