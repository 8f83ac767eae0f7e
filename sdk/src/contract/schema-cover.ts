/**
 * Whether every value that one JSON Schema accepts is accepted by another. This is undecidable in
 * general. What can't be decided counts as a difference, so an empty result is reliable.
 */
import type { Issue } from './schema.js';
import { accepts, compareBounds, compareTypes, UNKNOWN } from './schema-bounds.js';
import {
  alternatives,
  follow,
  type JsonSchema,
  type Keywords,
  MAX_DEPTH,
  propertiesOf,
  restOf,
  type Side,
  same,
  tupleOf,
  typesOf,
  valuesOf,
  without,
} from './schema-parts.js';

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

/** One pair of schemas, with its references followed. */
interface Step {
  readonly wide: Side;
  readonly narrow: Side;
  /** Keywords of both. */
  readonly to: Keywords;
  readonly from: Keywords;
  readonly path: readonly string[];
  readonly issues: Issue[];
  /** The pairs that are being compared, this one included. */
  readonly pairs: readonly Pair[];
  say(message: string): void;
}

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
  const say = (message: string) => void issues.push({ path: path.join('.'), message });
  if (wide.schema === true || narrow.schema === false) return;
  if (wide.schema === false) {
    say('is not allowed any more');
    return;
  }
  if (path.length > MAX_DEPTH) {
    say('is nested too deep to be compared');
    return;
  }
  const step: Step = {
    wide,
    narrow,
    to: wide.schema,
    from: narrow.schema === true ? {} : narrow.schema,
    path,
    issues,
    pairs: [...above, [wide.schema, narrow.schema]],
    say,
  };
  if (compareChoices(step) || compareParts(step) || compareValues(step)) return;
  compareKeywords(step);
}

/** What differs at the place of a step between two other schemas. */
function differences({ path, pairs }: Step, target: Side, source: Side): readonly Issue[] {
  const found: Issue[] = [];
  compare(target, source, path, found, pairs);
  return found;
}

const within = ({ root }: Side, schema: unknown): Side => ({
  schema: schema as JsonSchema,
  root,
});

/** Compares schemas of which one is a choice. Returns whether one is. */
function compareChoices(step: Step): boolean {
  const { wide, narrow, to, from, issues } = step;
  const branches = alternatives(from);
  if (branches !== undefined) {
    for (const branch of branches)
      issues.push(
        ...differences(
          step,
          wide,
          within(narrow, { ...without(from, 'anyOf', 'oneOf', 'type'), ...(branch as Keywords) }),
        ),
      );
    return true;
  }
  const choices = alternatives(to);
  if (choices === undefined) return false;
  const found = choices.map((choice) =>
    differences(
      step,
      within(wide, { ...without(to, 'anyOf', 'oneOf', 'type'), ...(choice as Keywords) }),
      narrow,
    ),
  );
  if (!found.some((one) => one.length === 0))
    issues.push(...closest(found, 'fits none of the alternatives'));
  return true;
}

/** Compares schemas of which one has several parts. Returns whether one has. */
function compareParts(step: Step): boolean {
  const { wide, narrow, to, from, issues } = step;
  if (Array.isArray(to.allOf)) {
    for (const part of [...(to.allOf as JsonSchema[]), without(to, 'allOf')])
      issues.push(...differences(step, within(wide, part), narrow));
    return true;
  }
  if (!Array.isArray(from.allOf)) return false;
  const parts = [...(from.allOf as JsonSchema[]), without(from, 'allOf')].map((part) =>
    differences(step, wide, within(narrow, part)),
  );
  if (!parts.some((one) => one.length === 0))
    issues.push(...closest(parts, 'cannot be compared: it has several parts'));
  return true;
}

function closest(found: readonly (readonly Issue[])[], message: string): readonly Issue[] {
  const [least] = [...found].sort((a, b) => a.length - b.length);
  return least ?? [{ path: '', message }];
}

/** Compares schemas of which one lists its values. Returns whether one does. */
function compareValues({ to, from, say }: Step): boolean {
  const values = valuesOf(from);
  if (values !== undefined) {
    for (const value of values)
      if (!accepts(to, value)) say(`${JSON.stringify(value)} is not allowed any more`);
    return true;
  }
  if (valuesOf(to) === undefined) return false;
  say(
    `was any ${typesOf(from).join(' or ') || 'value'}, and is one of ${JSON.stringify(valuesOf(to)).slice(0, 80)}`,
  );
  return true;
}

function compareKeywords(step: Step): void {
  const { to, from, issues, say } = step;
  const before = issues.length;
  compareTypes(to, from, say);
  if (issues.length > before) return;
  for (const keyword of UNKNOWN)
    if (to[keyword] !== undefined && !same(to[keyword], from[keyword]))
      say(`'${keyword}' cannot be compared`);
  compareBounds(to, from, say);
  compareObjects(step);
  compareArrays(step);
}

function compareObjects({ wide, narrow, to, from, path, issues, pairs }: Step): void {
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
        pairs,
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
        pairs,
      );
  }
  const others = restOf(from);
  if (others !== undefined)
    compare(
      { schema: rest, root: wide.root },
      { schema: others, root: narrow.root },
      [...path, '*'],
      issues,
      pairs,
    );
  else if (
    rest !== false &&
    from.additionalProperties === undefined &&
    Object.keys(source).length === 0
  )
    issues.push({ path: [...path, '*'].join('.'), message: 'was any value, and has a schema' });
}

function compareArrays({ wide, narrow, to, from, path, issues, pairs }: Step): void {
  const [target, source] = [tupleOf(to), tupleOf(from)];
  const item = (schema: JsonSchema | undefined, other: JsonSchema | undefined, name: string) => {
    // As with objects, an element that a tuple doesn't mention counts as absent.
    if (schema !== undefined && other !== undefined)
      compare(
        { schema, root: wide.root },
        { schema: other, root: narrow.root },
        [...path, name],
        issues,
        pairs,
      );
  };
  for (let index = 0; index < Math.max(target.items.length, source.items.length); index++)
    item(target.items[index] ?? target.rest, source.items[index] ?? source.rest, String(index));
  item(target.rest, source.rest, '*');
}
