/** Reads what a plugin sends. Nothing of it is trusted: each part has a form and a bound. */
import { createError } from '@plinth/sdk/contract';
import type { SqlValue } from '../contract.js';
import type { Limits } from './options.js';

/** A statement, checked. */
export interface ReadQuery {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly lease: number | undefined;
  readonly stream: boolean;
  /** What it holds while it waits, in bytes. */
  readonly bytes: number;
}

/** The end of a transaction, a stream, or one result of a transaction. */
export type ReadEnd =
  | { readonly lease: number; readonly how: 'commit' | 'rollback' }
  | { readonly lease: number; readonly how: 'close'; readonly cursor: number };

/** The smallest and the largest integer of a database. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** @throws PluginValidationError `sql/invalid`. */
export function readQuery(value: unknown, limits: Limits): ReadQuery {
  const { sql, parameters, lease, stream } = fields(value);
  if (typeof sql !== 'string' || sql.length > limits.statement)
    throw invalid(`a statement is text of at most ${limits.statement} characters`);
  if (sql.includes('\0')) throw invalid('the statement has a NUL character');
  if (!Array.isArray(parameters) || parameters.length > limits.parameters)
    throw invalid(`the parameters are a list of at most ${limits.parameters}`);
  let bytes = 0;
  for (const [index, parameter] of parameters.entries()) {
    bytes += sizeOf(parameter, index);
    if (bytes > limits.input)
      throw invalid(`the parameters have more than ${limits.input} bytes: write them in parts`);
  }
  return {
    sql,
    parameters: parameters as readonly SqlValue[],
    lease: lease === undefined ? undefined : number(lease, 'lease'),
    stream: stream === true,
    bytes: bytes + sql.length * 2,
  };
}

/** @throws PluginValidationError `sql/invalid`. */
export function readNext(value: unknown): { readonly lease: number; readonly cursor: number } {
  const { lease, cursor } = fields(value);
  return { lease: number(lease, 'lease'), cursor: number(cursor, 'cursor') };
}

/** @throws PluginValidationError `sql/invalid`. */
export function readBegin(value: unknown): 'read' | 'write' {
  const { access } = fields(value);
  if (access !== 'read' && access !== 'write')
    throw invalid("'access' of a transaction is 'read' or 'write'");
  return access;
}

/** @throws PluginValidationError `sql/invalid`. */
export function readEnd(value: unknown): ReadEnd {
  const { lease, how, cursor } = fields(value);
  const which = number(lease, 'lease');
  if (how === 'commit' || how === 'rollback') return { lease: which, how };
  if (how === 'close') return { lease: which, how, cursor: number(cursor, 'cursor') };
  throw invalid("a transaction ends by 'commit', 'rollback' or 'close'");
}

/** @throws PluginValidationError `sql/invalid` for what no database holds. */
function sizeOf(value: unknown, index: number): number {
  if (value === null) return 8;
  if (typeof value === 'string') return value.length * 2;
  if (typeof value === 'number' && !Number.isNaN(value)) return 8;
  if (typeof value === 'bigint' && value >= LEAST && value <= MOST) return 8;
  if (value instanceof Uint8Array) return value.byteLength;
  throw invalid(
    `parameter ${index + 1} is no value of a database: null, a number, a bigint of 64 bits, text or bytes`,
  );
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('a request is an object');
  return value as Readonly<Record<string, unknown>>;
}

function number(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw invalid(`'${name}' is no number that was given out`);
  return value as number;
}

const invalid = (message: string) => createError('sql/invalid', message);
