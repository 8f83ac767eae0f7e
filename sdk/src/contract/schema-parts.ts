/** Reads the parts of a JSON Schema. */

/** The parts of a JSON Schema that are examined. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** A schema that is an object. */
export type Keywords = { readonly [keyword: string]: unknown };

/** A schema and the document that its references point into. */
export interface Side {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

/** Deepest path that is compared, and most references that are followed. */
export const MAX_DEPTH = 64;

/** The schema that a reference means. */
export function follow({ schema, root }: Side): Side {
  let at = schema;
  for (
    let hops = 0;
    typeof at === 'object' && typeof at.$ref === 'string' && hops < MAX_DEPTH;
    hops++
  ) {
    const target = lookUp(root, at.$ref);
    // A reference without a target becomes a schema that equals nothing else.
    if (target === undefined) return { schema: at, root };
    at = target;
  }
  return { schema: at, root };
}

function lookUp(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, key)) return undefined;
    at = (at as Keywords)[key];
  }
  return at as JsonSchema;
}

/** The alternatives of a schema that is a choice of schemas or types. */
export function alternatives(schema: Keywords): readonly JsonSchema[] | undefined {
  const choice = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choice))
    return (choice as JsonSchema[]).map((one) =>
      one === true ? {} : one === false ? { enum: [] } : one,
    );
  return Array.isArray(schema.type)
    ? (schema.type as string[]).map((type) => ({ type }))
    : undefined;
}

/** A schema without some of its keywords. */
export function without(schema: Keywords, ...keywords: readonly string[]): Keywords {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)),
  );
}

/** The values that a schema lists; undefined when it lists none. */
export function valuesOf({
  enum: values,
  const: value,
  ...rest
}: Keywords): readonly unknown[] | undefined {
  if (Array.isArray(values)) return values as unknown[];
  if (value !== undefined) return [value];
  return rest.type === 'null' ? [null] : undefined;
}

/** The type that a schema names. */
export const typesOf = ({ type }: Keywords): readonly string[] =>
  typeof type === 'string' ? [type] : [];

/** The properties that a schema names. */
export const propertiesOf = (schema: Keywords) =>
  (schema.properties as Readonly<Record<string, JsonSchema>> | undefined) ?? {};

/**
 * The schema of unnamed properties; undefined when a schema doesn't mention them or forbids them.
 */
export function restOf({ additionalProperties: rest }: Keywords): JsonSchema | undefined {
  return rest === undefined || rest === false ? undefined : (rest as JsonSchema);
}

/** The elements that a schema names, and the schema of the others. */
export function tupleOf({ type, prefixItems, items }: Keywords): {
  readonly items: readonly JsonSchema[];
  readonly rest: JsonSchema | undefined;
} {
  // Before 2020-12 a tuple was written as `items`.
  const listed = (Array.isArray(items) ? items : prefixItems) as JsonSchema[] | undefined;
  if (listed !== undefined)
    return {
      items: listed,
      rest: Array.isArray(items) ? undefined : (items as JsonSchema | undefined),
    };
  return {
    items: [],
    rest: (items as JsonSchema | undefined) ?? (type === 'array' ? true : undefined),
  };
}

/** Whether two JSON values are equal. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (
    a === null ||
    b === null ||
    typeof a !== 'object' ||
    typeof b !== 'object' ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return false;
  const [left, right] = [Object.keys(a), Object.keys(b)];
  return (
    left.length === right.length &&
    left.every((key) => Object.hasOwn(b, key) && same((a as Keywords)[key], (b as Keywords)[key]))
  );
}
