/** Failures of PostgreSQL, sorted by what helps. */
import { WorkError } from '../backend/backend.js';
import type { FailureKind } from '../backend/work.js';

/** Codes of PostgreSQL, whole or by their class. */
const KINDS: Readonly<Record<string, FailureKind>> = {
  '08P01': 'invalid',
  '21000': 'failed',
  '25006': 'denied',
  '25P01': 'gone',
  '25P02': 'gone',
  '42501': 'denied',
  '53100': 'quota',
  '54': 'too-large',
  '55P03': 'busy',
  '0L': 'denied',
  '23': 'constraint',
  '40': 'busy',
  XX001: 'damaged',
  XX002: 'damaged',
};

interface PgError extends Error {
  readonly code?: unknown;
  readonly severity?: unknown;
}

/** The code of PostgreSQL; undefined for what has another origin. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as PgError;
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** Whether the connection is over with this error. */
export function isLost(error: unknown): boolean {
  if (error instanceof WorkError) return false;
  const state = stateOf(error);
  // Refused logins, too.
  return (
    state === undefined ||
    /^(08(?!P01)|28|57P|53300|25P03)/.test(state) ||
    (error as PgError).severity === 'FATAL'
  );
}

/** Whether the transaction can't go on: another one was faster. Done again, it may succeed. */
export const isConflict = (error: unknown): boolean => stateOf(error)?.startsWith('40') === true;

/** What has failed, without an address of the server. */
export function failureOf(error: unknown): WorkError {
  if (error instanceof WorkError) return error;
  const state = stateOf(error);
  if (state === undefined || (isLost(error) && state !== '53300'))
    return new WorkError('crashed', 'the connection to the database has ended', { cause: error });
  if (state === '53300') return new WorkError('busy', 'the server has no connection left');
  // Its own `statement_timeout`; the kernel's clock says so itself.
  if (state === '57014') return new WorkError('timeout', 'it took too long', { sqlstate: state });
  const kind = KINDS[state] ?? KINDS[state.slice(0, 2)] ?? 'failed';
  const { message } = error as Error;
  return new WorkError(kind, message.slice(0, 1_000), { sqlstate: state });
}
