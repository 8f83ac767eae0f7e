/** Tells the problems of a manifest: where each is, and what would be right. */
import type * as v from 'valibot';
import { didYouMean } from './did-you-mean.js';
import { createError } from './error-codes.js';
import type { PluginError } from './errors.js';
import { manifestSchema } from './manifest-schema.js';
import { pluginIdProblem } from './names.js';
import type { Issue } from './schema.js';

/** Most problems reported for one manifest, and most characters of each. */
export const MAX_PROBLEMS = 50;
const MAX_TOLD = 200;

/** Keys that this version refuses, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'permissions.workers': ': plugins start no threads of their own',
  state: ': state is handed over as it is, keep a version inside of it',
};

/** The error of a manifest with problems. */
export function invalid(raw: unknown, problems: readonly Issue[], origin: string): PluginError {
  const told = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ path, message }) => ({ path: cut(path), message: cut(message) }));
  const lines = told.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  if (told.length === MAX_PROBLEMS) lines.push('there may be more');
  const claimed = (raw as { id?: unknown } | null)?.id;
  const plugin =
    typeof claimed === 'string' && pluginIdProblem(claimed) === undefined ? claimed : undefined;
  return createError(
    'manifest/invalid',
    `${origin}${plugin === undefined ? '' : ` (${plugin})`} is not a valid manifest: ${lines.join('; ')}`,
    {
      plugin,
      details: { origin, problems: told },
    },
  );
}

/** A text as it is told: not longer than people read. */
export const cut = (words: string) =>
  words.length > MAX_TOLD ? `${words.slice(0, MAX_TOLD)}…` : words;

/** What an issue of the schema means to an author. */
export function toProblem(issue: v.BaseIssue<unknown>): Issue {
  const path = (issue.path ?? []).map((part) => String(part.key)).join('.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = String(issue.path?.at(-1)?.key);
    const parent = issue.path?.at(-1)?.input as object | undefined;
    if (Array.isArray(parent))
      return {
        path: path.slice(0, -key.length - 1),
        message: 'is a list, and has to be an object',
      };
    return {
      path,
      message: `unknown key${REFUSED[path] ?? didYouMean(key, knownKeys(path), Object.keys(parent ?? {}))}`,
    };
  }
  if (issue.received === 'undefined' && issue.kind === 'schema')
    return { path, message: 'is required' };
  return { path, message: issue.message };
}

/** The keys that the schema knows at a path's parent. */
export function knownKeys(path: string): readonly string[] {
  let schema: unknown = manifestSchema;
  for (const part of path.split('.').slice(0, -1)) {
    schema = unwrap(schema);
    const object = schema as { entries?: Record<string, unknown>; item?: unknown };
    schema = object.entries?.[part] ?? object.item;
  }
  return Object.keys((unwrap(schema) as { entries?: object } | undefined)?.entries ?? {});
}

function unwrap(schema: unknown): unknown {
  const wrapped = (schema as { wrapped?: unknown } | undefined)?.wrapped;
  return wrapped === undefined ? schema : unwrap(wrapped);
}
