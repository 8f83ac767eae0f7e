/** Checks values with the JSON Schemas of manifests. Loaded with the first schema. */
import type { Issue } from '@plinth/sdk/contract';
import { SchemaCheck } from '../schema/json-schema.js';
import type { JsonSchema } from '../schema/schema-guard.js';

/**
 * Finds the problems of a value: at most 50, none when it is valid. It never throws, for any value.
 */
export type ValueValidator = (value: unknown) => readonly Issue[];

/** Steps that every check may take: about ten milliseconds. */
const STEPS = 250_000;
/** Further steps for each part of a value, so that large values may take proportionally longer. */
const STEPS_PER_PART = 16;

/**
 * Makes the validator of a schema in a plugin's manifest. It is safe for any schema and any value.
 * Its time is linear in the size of the value. A check that exceeds this ends with a problem that
 * says so.
 *
 * @param where the schema's place in the manifest, for messages: `config`,
 * `contributes.commands.0.input`.
 * @throws PluginManifestError `manifest/invalid` when the schema is invalid or exceeds the limits
 * of a schema.
 */
export function validatorOf(schema: JsonSchema, plugin: string, where = 'config'): ValueValidator {
  const check = new SchemaCheck(schema, plugin, where);
  return (value) => check.problems(value, () => STEPS + STEPS_PER_PART * partsOf(value));
}

/** Counts the parts of a value. A text or bytes count by their length. */
function partsOf(value: unknown): number {
  let parts = 0;
  const open: unknown[] = [value];
  for (let count = open.length; count > 0; count = open.length) {
    const next = open.pop();
    parts += typeof next === 'string' ? 1 + next.length / 64 : 1;
    if (Array.isArray(next)) for (const one of next) open.push(one);
    else if (next !== null && typeof next === 'object' && !ArrayBuffer.isView(next))
      for (const key of Object.keys(next))
        open.push((next as Readonly<Record<string, unknown>>)[key]);
    if (parts > MAX_PARTS) break;
  }
  return parts;
}

/** The most parts that are counted. */
const MAX_PARTS = 10_000_000;
