/**
 * Checks values with a JSON Schema (2020-12 and draft-07 in one document), both untrusted. No code
 * is generated, patterns match in linear time, steps are counted and end as a problem.
 */
import { type Issue, messageOf } from '@plinth/sdk/contract';
import { ListCheck } from './list-check.js';
import { ObjectCheck } from './object-check.js';
import type { LinearPattern } from './pattern.js';
import { type Checker, has, type Place, ROOT, Run, Seen } from './run.js';
import { guardSchema, type JsonSchema, partOf, type SchemaNode } from './schema-guard.js';
import { Steps, TooManySteps } from './steps.js';
import { ValueCheck } from './value-check.js';
import { MAX_DEPTH, typeOf } from './values.js';

/** Checks values with one schema. */
export class SchemaCheck implements Checker {
  readonly #schema: JsonSchema;
  readonly #draft7: boolean;
  readonly #tracks: boolean;
  readonly #patterns: ReadonlyMap<string, LinearPattern>;
  readonly #values = new ValueCheck((text) => this.pattern(text));
  readonly #references = new Map<string, JsonSchema>();

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
      this.check(this.#schema, value, run, ROOT, 0, undefined);
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
  check(
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
      return this.check(this.#refer(schema.$ref as string), value, run, place, depth + 1, seen);
    const own =
      seen ??
      (this.#tracks && value !== null && typeof value === 'object' ? new Seen() : undefined);
    const type = typeOf(value);
    let fits = this.#values.check(schema, value, type, run, place);
    const goesOn = () => fits || !run.over(place);
    if (goesOn())
      fits = this.#checkAlternatives(schema, value, type, run, place, depth, own) && fits;
    if (type === 'object' && goesOn()) {
      const object = value as Readonly<Record<string, unknown>>;
      fits = new ObjectCheck(this, schema, object, run, place, depth, own).fits() && fits;
    }
    if (type === 'array' && goesOn()) {
      const list = value as readonly unknown[];
      fits = new ListCheck(this, schema, list, run, place, depth, own).fits(this.#draft7) && fits;
    }
    return fits;
  }

  /** A pattern of the schema, by its text. */
  pattern(text: string): LinearPattern {
    return this.#patterns.get(text) as LinearPattern;
  }

  #refer(reference: string): JsonSchema {
    const known =
      this.#references.get(reference) ?? (partOf(this.#schema, reference) as JsonSchema);
    this.#references.set(reference, known);
    return known;
  }

  #checkAlternatives(
    schema: SchemaNode,
    value: unknown,
    type: string,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ): boolean {
    const { $ref, allOf, anyOf, oneOf, not, if: condition } = schema;
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
      this.check(not as JsonSchema, value, run, undefined, depth + 1, undefined)
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
    if (type === 'object')
      for (const other of dependentOn(schema, value as object, run)) must(other);
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
    if (seen === undefined) return this.check(schema, value, run, place, depth + 1, undefined);
    const inner = new Seen();
    const fits = this.check(schema, value, run, place, depth + 1, inner);
    run.steps.take(inner.keys.size);
    if (fits) seen.add(inner);
    return fits;
  }
}

/** Schemas that apply to an object because of the keys that it has. */
function* dependentOn(
  { dependencies, dependentSchemas }: SchemaNode,
  object: object,
  run: Run,
): Iterable<JsonSchema> {
  if ((dependencies ?? dependentSchemas) === undefined) return;
  const all = Object.entries({
    ...(dependencies as object | undefined),
    ...(dependentSchemas as object | undefined),
  });
  for (const [key, other] of all) {
    run.steps.take(1);
    if (has(object, key) && !Array.isArray(other)) yield other as JsonSchema;
  }
}
