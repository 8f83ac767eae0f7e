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
  if (error instanceof Refused)
    return {
      kind: error.kind,
      message: error.message,
      ...(error.migration !== undefined && { migration: error.migration }),
    };
  const { errcode, message } = (error ?? {}) as { errcode?: unknown; message?: unknown };
  const text = String(message ?? error).slice(0, 1_000);
  if (typeof errcode !== 'number') return { kind: 'failed', message: text };
  return { kind: PRIMARY[errcode & 0xff] ?? 'failed', message: text, sqlite: errcode };
}
