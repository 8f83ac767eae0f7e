/** Checks an object with a schema: its names, its values, and how many there are. */
import { didYouMean } from '@plinth/sdk/contract';
import type { LinearPattern } from './pattern.js';
import { type Checker, cut, has, type Place, type Run, type Seen } from './run.js';
import type { JsonSchema, SchemaNode } from './schema-guard.js';

/** The most names that a misspelt key is compared with. */
const MAX_NEAR = 64;

/** Names that a schema knows, by its `properties`. */
const known = new WeakMap<object, readonly string[]>();

/** Keywords for which the keys of an object have to be read. */
const KEYED = [
  'minProperties',
  'maxProperties',
  'propertyNames',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
] as const;

/** Checks one object. */
export class ObjectCheck {
  readonly #checker: Checker;
  readonly #schema: SchemaNode;
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #run: Run;
  readonly #place: Place | undefined;
  readonly #depth: number;
  readonly #seen: Seen | undefined;
  #fits = true;

  constructor(
    checker: Checker,
    schema: SchemaNode,
    object: Readonly<Record<string, unknown>>,
    run: Run,
    place: Place | undefined,
    depth: number,
    seen: Seen | undefined,
  ) {
    this.#checker = checker;
    this.#schema = schema;
    this.#object = object;
    this.#run = run;
    this.#place = place;
    this.#depth = depth;
    this.#seen = seen;
  }

  /** Whether the object is valid. */
  fits(): boolean {
    this.#required();
    if (KEYED.every((keyword) => this.#schema[keyword] === undefined)) return this.#fits;
    const keys = Object.keys(this.#object).filter((key) => this.#object[key] !== undefined);
    this.#run.steps.take(keys.length * 6);
    this.#count(keys.length);
    return this.#named(keys) && this.#unevaluated(keys) && this.#fits;
  }

  get #over(): boolean {
    return !this.#fits && this.#run.over(this.#place);
  }

  #wrong(message: string, at = this.#place): void {
    this.#fits = this.#run.wrong(at, message);
  }

  #required(): void {
    const { required } = this.#schema;
    if (required !== undefined) this.#missing(required as readonly string[]);
    for (const keyword of ['dependentRequired', 'dependencies']) {
      const all = Object.entries((this.#schema[keyword] as object | undefined) ?? {});
      for (const [key, names] of all) {
        this.#run.steps.take(1);
        if (Array.isArray(names) && has(this.#object, key))
          this.#missing(names as readonly string[], key);
      }
    }
  }

  /** @param of the key that requires them. */
  #missing(names: readonly string[], of?: string): void {
    this.#run.steps.take(names.length);
    for (const name of names) {
      if (has(this.#object, name)) continue;
      this.#wrong(
        of === undefined
          ? `Instance does not have required property "${cut(name)}".`
          : `Instance has "${cut(of)}" but does not have "${cut(name)}".`,
      );
      if (this.#over) return;
    }
  }

  #count(length: number): void {
    const { minProperties, maxProperties } = this.#schema;
    if (typeof minProperties === 'number' && length < minProperties)
      this.#wrong(`Instance does not have at least ${minProperties} properties.`);
    if (typeof maxProperties === 'number' && length > maxProperties)
      this.#wrong(`Instance has more than ${maxProperties} properties.`);
  }

  /** Checks each name and its value. Answers false when the check is over. */
  #named(keys: readonly string[]): boolean {
    const { propertyNames, additionalProperties } = this.#schema;
    const properties = this.#schema.properties as Readonly<Record<string, JsonSchema>> | undefined;
    const patterns = this.#patterns();
    for (const key of keys) {
      if (this.#over) return false;
      if (propertyNames !== undefined && !this.#holds(propertyNames as JsonSchema, key))
        this.#wrong(`Property name "${cut(key)}" does not match schema.`);
      let named = false;
      if (properties !== undefined && Object.hasOwn(properties, key)) {
        named = true;
        this.#part(properties[key] as JsonSchema, key);
      }
      for (const [pattern, other] of patterns) {
        if (!pattern.test(key, this.#run.steps)) continue;
        named = true;
        this.#part(other, key);
      }
      if (!named && additionalProperties !== undefined)
        this.#part(additionalProperties as JsonSchema, key);
    }
    return true;
  }

  #patterns(): readonly (readonly [LinearPattern, JsonSchema])[] {
    const { patternProperties } = this.#schema;
    return Object.entries((patternProperties as Record<string, JsonSchema> | undefined) ?? {}).map(
      ([text, other]) => [this.#checker.pattern(text), other] as const,
    );
  }

  /** Checks the values that no other keyword has. Answers false when the check is over. */
  #unevaluated(keys: readonly string[]): boolean {
    const { unevaluatedProperties } = this.#schema;
    const seen = this.#seen;
    if (unevaluatedProperties === undefined || seen === undefined || seen.all) return true;
    this.#run.steps.take(keys.length);
    for (const key of keys) {
      if (this.#over) return false;
      if (!seen.keys.has(key)) this.#part(unevaluatedProperties as JsonSchema, key);
    }
    seen.all = true;
    return true;
  }

  #holds(schema: JsonSchema, value: unknown): boolean {
    return this.#checker.check(schema, value, this.#run, undefined, this.#depth + 1, undefined);
  }

  #part(other: JsonSchema, key: string): void {
    const { additionalProperties, unevaluatedProperties } = this.#schema;
    const at = this.#place === undefined ? undefined : { parent: this.#place, key };
    this.#seen?.keys.add(key);
    if (other === false && (other === additionalProperties || other === unevaluatedProperties)) {
      this.#wrong(this.#unknown(key, at), at);
      return;
    }
    const value = this.#object[key];
    const fits = this.#checker.check(other, value, this.#run, at, this.#depth + 1, undefined);
    this.#fits = fits && this.#fits;
  }

  #unknown(key: string, at: Place | undefined): string {
    const properties = this.#schema.properties as object | undefined;
    if (at === undefined) return '';
    if (properties === undefined) return 'unknown key';
    const names = known.get(properties) ?? Object.keys(properties);
    known.set(properties, names);
    if (names.length > MAX_NEAR) return 'unknown key';
    this.#run.steps.take(names.length * 256);
    return `unknown key${didYouMean(key, names, [])}`;
  }
}
