/** Compares what JSON Schemas say of a single value: its type and its bounds. */
import type { Issue } from './schema.js';
import { type Keywords, same, typesOf, valuesOf } from './schema-parts.js';

/** Constraints that hold only when both sides have the same one. */
export const UNKNOWN = [
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

/** A value that a schema lists literally: whether the other schema accepts it can be decided. */
export function accepts(schema: Keywords, value: unknown): boolean {
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

/** Says where a type is narrower than it was. */
export function compareTypes(to: Keywords, from: Keywords, say: (message: string) => void): void {
  const [wide] = typesOf(to);
  const [narrow] = typesOf(from);
  if (wide === undefined || wide === narrow || (wide === 'number' && narrow === 'integer')) return;
  say(narrow === undefined ? `was any value, and is ${wide}` : `was ${narrow}, and is ${wide}`);
}

/** Says where a bound is tighter than it was. */
export function compareBounds(to: Keywords, from: Keywords, say: (message: string) => void): void {
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
