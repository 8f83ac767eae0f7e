/**
 * Where a hand-written JSON Schema says something else than the code's schema. Titles, examples and
 * tighter bounds are an author's to add; types, names and what is required are not.
 */
import { type JsonSchema, NOTHING } from './facts.js';

/** One difference. */
export interface Difference {
  /** Dotted path inside the schema's value. */
  readonly path: string;
  readonly message: string;
}

/** Differences of what is written to what the code has; the first ones when there are many. */
export function schemaDifferences(
  written: unknown,
  code: JsonSchema,
  path = '',
): readonly Difference[] {
  if (written === true || written === null || typeof written !== 'object') return [];
  const [own, coded] = [given(written as JsonSchema), given(code)];
  const found: Difference[] = [];
  const typed = own.type !== undefined && coded.type !== undefined;
  if (typed && !sameSet(own.type, coded.type))
    found.push({
      path,
      message: `is ${shown(own.type)} here, and ${shown(coded.type)} in the code`,
    });
  if (own.properties !== undefined && coded.properties !== undefined) {
    const [mine, theirs] = [recordOf(own.properties), recordOf(coded.properties)];
    for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
      const at = path === '' ? name : `${path}.${name}`;
      if (!(name in theirs)) found.push({ path: at, message: 'is not in the code' });
      else if (!(name in mine)) found.push({ path: at, message: 'is missing here' });
      else found.push(...schemaDifferences(mine[name], recordOf(theirs[name]), at));
    }
    const extra = listOf(coded.required).filter((name) => !listOf(own.required).includes(name));
    const lost = listOf(own.required).filter((name) => !listOf(coded.required).includes(name));
    for (const name of extra)
      found.push({ path: join(path, name), message: 'is required by the code, and optional here' });
    for (const name of lost)
      found.push({ path: join(path, name), message: 'is optional in the code, and required here' });
  }
  if (own.items !== undefined && coded.items !== undefined)
    found.push(...schemaDifferences(own.items, recordOf(coded.items), join(path, '0')));
  return found.slice(0, 20);
}

/** A schema without the choice to give nothing, which an author needn't write. */
function given(schema: JsonSchema): JsonSchema {
  const { anyOf } = schema;
  const nothing = JSON.stringify(NOTHING);
  const rest = listed(anyOf).filter((one) => JSON.stringify(one) !== nothing);
  return rest.length === 1 && rest.length < listed(anyOf).length ? recordOf(rest[0]) : schema;
}

const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);
const recordOf = (value: unknown) => Object(value) as Readonly<Record<string, JsonSchema>>;
const listOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(String) : [];
const shown = (value: unknown) => JSON.stringify(value);
// A schema that says 'integer' is a tighter 'number'.
const wide = (value: unknown) => [value].flat().map((one) => (one === 'integer' ? 'number' : one));
const sameSet = (a: unknown, b: unknown) =>
  JSON.stringify(wide(a).sort()) === JSON.stringify(wide(b).sort());
