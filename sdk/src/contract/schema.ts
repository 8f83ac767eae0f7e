/**
 * Standard Schema at the boundary: any library that implements `~standard` (valibot, zod, arktype,
 * …) can describe inputs, outputs and payloads. The kernel only runs `~standard.validate`.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf } from './errors.js';

/** A schema of any library that implements Standard Schema v1. */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** The type a schema accepts: what a caller writes. */
export type InferInput<T> = T extends StandardSchemaV1 ? StandardSchemaV1.InferInput<T> : never;

/** The type a schema produces: what a receiver reads. */
export type InferOutput<T> = T extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<T> : never;

/** One problem of a value: its path and a message. */
export interface Issue {
  /** Dotted path inside the value; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** A parsed value, or every issue found. Never thrown. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const MAX_ISSUES = 50;

/**
 * Runs a schema over a value. Returns synchronously when the schema does, so a synchronous schema
 * costs no promise. A schema that throws counts as one issue: a broken schema is bad input and must
 * not break the caller.
 */
export function parseSchema<S extends Schema>(
  schema: S,
  value: unknown,
): Parsed<InferOutput<S>> | Promise<Parsed<InferOutput<S>>> {
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    return schemaThrew(error);
  }
  return isPromiseLike(result)
    ? Promise.resolve(result).then(toParsed<S>, schemaThrew)
    : toParsed<S>(result);
}

/** A schema is foreign code, so its result may be anything. */
function toParsed<S extends Schema>(
  result: StandardSchemaV1.Result<unknown>,
): Parsed<InferOutput<S>> {
  try {
    if (result === null || typeof result !== 'object')
      throw new TypeError(`it answered with ${result === null ? 'null' : typeof result}`);
    if (result.issues === undefined) return { ok: true, value: result.value as InferOutput<S> };
    if (!Array.isArray(result.issues)) throw new TypeError("its 'issues' are not a list");
    return { ok: false, issues: result.issues.slice(0, MAX_ISSUES).map(toIssue) };
  } catch (error) {
    return schemaThrew(error);
  }
}

function toIssue(issue: StandardSchemaV1.Issue): Issue {
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === 'object' ? part.key : part))
    .join('.');
  return { path, message: String(issue.message) };
}

function schemaThrew(error: unknown): { ok: false; issues: readonly Issue[] } {
  return {
    ok: false,
    issues: [{ path: '', message: `the schema itself threw: ${messageOf(error)}` }],
  };
}

/** Whether a value can be awaited. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    typeof value === 'object' &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * A foreign result as a promise if it is to be awaited. A real promise is returned as it is; any
 * other thenable is wrapped, so that `then` is read once and its first answer counts. Undefined for
 * every other value.
 *
 * @throws what reading its `then` throws.
 */
export function asPromise(value: unknown): Promise<unknown> | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { then } = value as { readonly then?: unknown };
  if (typeof then !== 'function') return undefined;
  if (then === Promise.prototype.then && value instanceof Promise) return value;
  return new Promise((resolve, reject) => void then.call(value, resolve, reject));
}

/** One line per issue, for messages: `text: Expected string (and 2 more)`. */
export function describeIssues(issues: readonly Issue[]): string {
  const [first, ...rest] = issues;
  if (first === undefined) return 'unknown problem';
  const head = first.path === '' ? first.message : `${first.path}: ${first.message}`;
  return rest.length === 0 ? head : `${head} (and ${rest.length} more)`;
}
