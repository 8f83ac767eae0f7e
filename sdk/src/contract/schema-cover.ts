/**
 * Whether every value that one JSON Schema accepts is accepted by another. This is undecidable in
 * general. What can't be decided counts as a difference, so an empty result is reliable.
 */
import type { Issue } from './schema.js';

/** The parts of a JSON Schema that are examined. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

type Keywords = { readonly [keyword: string]: unknown };

/** A schema and the document that its references point into. */
interface Side {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

/**
 * For each part of `narrow` that accepts values `wide` refuses: its path and the reason. Schemas
 * may refer to themselves.
 */
export function uncovered(wide: JsonSchema, narrow: JsonSchema): readonly Issue[] {
  const issues: Issue[] = [];
  left = MAX_COMPARED;
  compare({ schema: wide, root: wide }, { schema: narrow, root: narrow }, [], issues, []);
  return left > 0 ? issues : [{ path: '', message: 'is too large to be compared' }];
}

/** Most pairs of schemas that are compared: nested choices double at each step. */
const MAX_COMPARED = 20_000;
let left = 0;

type Pair = readonly [wide: JsonSchema, narrow: JsonSchema];

function compare(
  wideAt: Side,
  narrowAt: Side,
  path: readonly string[],
  issues: Issue[],
  above: readonly Pair[],
): void {
  left -= 1;
  if (left <= 0) return;
  const wide = follow(wideAt);
  const narrow = follow(narrowAt);
  // Recursive schemas: a pair that is already being compared holds as long as nothing else differs.
  if (above.some(([one, other]) => one === wide.schema && other === narrow.schema)) return;
  const pairs: readonly Pair[] = [...above, [wide.schema, narrow.schema]];
  const say = (message: string) => issues.push({ path: path.join('.'), message });
  const holds = (target: Side, source: Side) => {
    const found: Issue[] = [];
    compare(target, source, path, found, pairs);
    return found;
  };
  const within = ({ root }: Side, schema: unknown): Side => ({
    schema: schema as JsonSchema,
    root,
  });

  if (wide.schema === true || narrow.schema === false) return;
  if (wide.schema === false) {
    say('is not allowed any more');
    return;
  }
  if (path.length > MAX_DEPTH) {
    say('is nested too deep to be compared');
    return;
  }
  const to: Keywords = wide.schema;
  const from: Keywords = narrow.schema === true ? {} : (narrow.schema as Keywords);

  const branches = alternatives(from);
  if (branches !== undefined) {
    for (const branch of branches)
      issues.push(
        ...holds(
          wide,
          within(narrow, { ...without(from, 'anyOf', 'oneOf', 'type'), ...(branch as Keywords) }),
        ),
      );
    return;
  }
  const choices = alternatives(to);
  if (choices !== undefined) {
    const found = choices.map((choice) =>
      holds(
        within(wide, { ...without(to, 'anyOf', 'oneOf', 'type'), ...(choice as Keywords) }),
        narrow,
      ),
    );
    if (!found.some((one) => one.length === 0))
      issues.push(...closest(found, 'fits none of the alternatives'));
    return;
  }
  if (Array.isArray(to.allOf)) {
    for (const part of [...(to.allOf as JsonSchema[]), without(to, 'allOf')])
      issues.push(...holds(within(wide, part), narrow));
    return;
  }
  if (Array.isArray(from.allOf)) {
    const parts = [...(from.allOf as JsonSchema[]), without(from, 'allOf')].map((part) =>
      holds(wide, within(narrow, part)),
    );
    if (!parts.some((one) => one.length === 0))
      issues.push(...closest(parts, 'cannot be compared: it has several parts'));
    return;
  }
  const values = valuesOf(from);
  if (values !== undefined) {
    for (const value of values)
      if (!accepts(to, value)) say(`${JSON.stringify(value)} is not allowed any more`);
    return;
  }
  if (valuesOf(to) !== undefined) {
    say(
      `was any ${typesOf(from).join(' or ') || 'value'}, and is one of ${JSON.stringify(valuesOf(to)).slice(0, 80)}`,
    );
    return;
  }
  const before = issues.length;
  compareTypes(to, from, say);
  if (issues.length > before) return;
  for (const keyword of UNKNOWN)
    if (to[keyword] !== undefined && !same(to[keyword], from[keyword]))
      say(`'${keyword}' cannot be compared`);
  compareBounds(to, from, say);
  compareObjects(wide, narrow, to, from, path, issues, pairs);
  compareArrays(wide, narrow, to, from, path, issues, pairs);
}

/** Deepest path that is compared. */
const MAX_DEPTH = 64;
/** Constraints that hold only when both sides have the same one. */
const UNKNOWN = [
  'not',
  'if',
  'then',
  'else',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
  'propertyNames',
  'contains',
  'unevaluatedProperties',
  'multipleOf',
  'pattern',
  'format',
  'contentEncoding',
] as const;

function follow({ schema, root }: Side): Side {
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
function alternatives(schema: Keywords): readonly JsonSchema[] | undefined {
  const choice = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choice))
    return (choice as JsonSchema[]).map((one) =>
      one === true ? {} : one === false ? { enum: [] } : one,
    );
  return Array.isArray(schema.type)
    ? (schema.type as string[]).map((type) => ({ type }))
    : undefined;
}

function without(schema: Keywords, ...keywords: readonly string[]): Keywords {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => !keywords.includes(keyword)),
  );
}

function closest(found: readonly (readonly Issue[])[], message: string): readonly Issue[] {
  const [least] = [...found].sort((a, b) => a.length - b.length);
  return least ?? [{ path: '', message }];
}

function valuesOf({
  enum: values,
  const: value,
  ...rest
}: Keywords): readonly unknown[] | undefined {
  if (Array.isArray(values)) return values as unknown[];
  if (value !== undefined) return [value];
  return rest.type === 'null' ? [null] : undefined;
}

/** A value that a schema lists literally: whether the other schema accepts it can be decided. */
function accepts(schema: Keywords, value: unknown): boolean {
  const values = valuesOf(schema);
  if (values !== undefined) return values.some((one) => same(one, value));
  const types = typesOf(schema);
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  if (
    types.length > 0 &&
    !types.includes(type) &&
    !(type === 'number' && types.includes('integer') && Number.isInteger(value))
  )
    return false;
  const found: Issue[] = [];
  const say = (message: string) => found.push({ path: '', message });
  if (typeof value === 'number') compareBounds(schema, { minimum: value, maximum: value }, say);
  if (typeof value === 'string')
    compareBounds(schema, { minLength: [...value].length, maxLength: [...value].length }, say);
  const simple = value === null || typeof value !== 'object';
  return found.length === 0 && simple && UNKNOWN.every((keyword) => schema[keyword] === undefined);
}

const typesOf = ({ type }: Keywords): readonly string[] => (typeof type === 'string' ? [type] : []);

function compareTypes(to: Keywords, from: Keywords, say: (message: string) => void): void {
  const [wide] = typesOf(to);
  const [narrow] = typesOf(from);
  if (wide === undefined || wide === narrow || (wide === 'number' && narrow === 'integer')) return;
  say(narrow === undefined ? `was any value, and is ${wide}` : `was ${narrow}, and is ${wide}`);
}

function compareBounds(to: Keywords, from: Keywords, say: (message: string) => void): void {
  const bound = (least: string, open: string | undefined, sign: 1 | -1) => {
    const [wide, narrow] = [limitOf(to, least, open, sign), limitOf(from, least, open, sign)];
    if (wide === undefined) return;
    if (
      narrow === undefined ||
      sign * (narrow.at - wide.at) < 0 ||
      (narrow.at === wide.at && wide.open && !narrow.open)
    )
      say(
        `${least} is ${wide.at}${wide.open ? ' (exclusive)' : ''}, and was ${narrow?.at ?? 'not bounded'}`,
      );
  };
  bound('minimum', 'exclusiveMinimum', 1);
  bound('maximum', 'exclusiveMaximum', -1);
  for (const [least, most] of [
    ['minLength', 'maxLength'],
    ['minItems', 'maxItems'],
    ['minProperties', 'maxProperties'],
  ] as const) {
    if (((to[least] as number | undefined) ?? 0) > 0) bound(least, undefined, 1);
    bound(most, undefined, -1);
  }
  if (to.uniqueItems === true && from.uniqueItems !== true)
    say('items must be unique, and had not to be');
}

function limitOf(
  schema: Keywords,
  keyword: string,
  openKeyword: string | undefined,
  sign: 1 | -1,
): { readonly at: number; readonly open: boolean } | undefined {
  const closed = schema[keyword];
  const open = openKeyword === undefined ? undefined : schema[openKeyword];
  if (typeof open === 'number' && (typeof closed !== 'number' || sign * (open - closed) >= 0))
    return { at: open, open: true };
  return typeof closed === 'number' ? { at: closed, open: false } : undefined;
}

function compareObjects(
  wide: Side,
  narrow: Side,
  to: Keywords,
  from: Keywords,
  path: readonly string[],
  issues: Issue[],
  above: readonly Pair[],
): void {
  const [target, source] = [propertiesOf(to), propertiesOf(from)];
  const always = new Set((from.required as string[] | undefined) ?? []);
  for (const name of (to.required as string[] | undefined) ?? []) {
    if (!always.has(name))
      issues.push({ path: [...path, name].join('.'), message: 'is required, and may be missing' });
  }
  for (const [name, schema] of Object.entries(target)) {
    // Objects are open: a property that the other schema doesn't name counts as absent.
    const other = source[name] ?? restOf(from);
    if (other !== undefined)
      compare(
        { schema, root: wide.root },
        { schema: other, root: narrow.root },
        [...path, name],
        issues,
        above,
      );
  }
  const rest = to.additionalProperties as JsonSchema | undefined;
  if (rest === undefined || rest === true) return;
  for (const [name, schema] of Object.entries(source)) {
    if (!Object.hasOwn(target, name))
      compare(
        { schema: rest, root: wide.root },
        { schema, root: narrow.root },
        [...path, name],
        issues,
        above,
      );
  }
  const others = restOf(from);
  if (others !== undefined)
    compare(
      { schema: rest, root: wide.root },
      { schema: others, root: narrow.root },
      [...path, '*'],
      issues,
      above,
    );
  else if (
    rest !== false &&
    from.additionalProperties === undefined &&
    Object.keys(source).length === 0
  )
    issues.push({ path: [...path, '*'].join('.'), message: 'was any value, and has a schema' });
}

const propertiesOf = (schema: Keywords) =>
  (schema.properties as Readonly<Record<string, JsonSchema>> | undefined) ?? {};

/**
 * The schema of unnamed properties; undefined when a schema doesn't mention them or forbids them.
 */
function restOf({ additionalProperties: rest }: Keywords): JsonSchema | undefined {
  return rest === undefined || rest === false ? undefined : (rest as JsonSchema);
}

function compareArrays(
  wide: Side,
  narrow: Side,
  to: Keywords,
  from: Keywords,
  path: readonly string[],
  issues: Issue[],
  above: readonly Pair[],
): void {
  const [target, source] = [tupleOf(to), tupleOf(from)];
  const item = (schema: JsonSchema | undefined, other: JsonSchema | undefined, name: string) => {
    // As with objects, an element that a tuple doesn't mention counts as absent.
    if (schema !== undefined && other !== undefined)
      compare(
        { schema, root: wide.root },
        { schema: other, root: narrow.root },
        [...path, name],
        issues,
        above,
      );
  };
  for (let index = 0; index < Math.max(target.items.length, source.items.length); index++)
    item(target.items[index] ?? target.rest, source.items[index] ?? source.rest, String(index));
  item(target.rest, source.rest, '*');
}

function tupleOf({ type, prefixItems, items }: Keywords): {
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
