/** Failures of the database process, sorted by what helps. */
import type { Failure, FailureKind } from '../backend/work.js';

/** A failure that the process itself has found. */
export class Refused extends Error {
  readonly kind: FailureKind;
  readonly migration: string | undefined;

  constructor(kind: FailureKind, message: string, migration?: string) {
    super(message);
    this.kind = kind;
    this.migration = migration;
  }
}

const PRIMARY: Readonly<Record<number, FailureKind>> = {
  5: 'busy',
  6: 'busy',
  7: 'memory',
  8: 'denied',
  9: 'timeout',
  11: 'damaged',
  13: 'quota',
  18: 'too-large',
  19: 'constraint',
  23: 'denied',
  26: 'damaged',
};

/** What has failed, without a path of this machine. */
export function failureOf(error: unknown): Failure {
  const { errcode, message, migration } = (error ?? {}) as {
    readonly errcode?: unknown;
    readonly message?: unknown;
    readonly migration?: string;
  };
  const text = String(message ?? error).slice(0, 1_000);
  const facts = { message: text, ...(migration !== undefined && { migration }) };
  if (error instanceof Refused) return { ...facts, kind: error.kind, message: error.message };
  if (typeof errcode !== 'number') return { ...facts, kind: 'failed' };
  return { ...facts, kind: PRIMARY[errcode & 0xff] ?? 'failed', sqlite: errcode };
}
