/** Failures of the database as plugins and applications see them. */
import { createError, type ErrorCode, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { WorkError } from '../backend/backend.js';
import type { Limits } from './options.js';

type Kind = WorkError['kind'];

/** What is known of work that has failed. */
export interface Failed {
  readonly plugin: string;
  readonly limits: Limits;
  /** Whether nothing of it can have been kept, so that it may be done again. */
  readonly undone: boolean;
  /** Whether it is a migration, which has a time of its own. */
  readonly migration?: boolean;
}

const CODES: Readonly<Record<Kind, ErrorCode>> = {
  busy: 'sql/locked',
  denied: 'sql/denied',
  quota: 'sql/quota',
  log: 'sql/quota',
  constraint: 'sql/constraint',
  'too-large': 'sql/too-large',
  invalid: 'sql/invalid',
  damaged: 'storage/corrupt',
  gone: 'sql/interrupted',
  failed: 'sql/failed',
  timeout: 'sql/timeout',
  memory: 'sql/too-large',
  crashed: 'sql/interrupted',
  aborted: 'sql/interrupted',
  unavailable: 'sql/interrupted',
  stopped: 'kernel/stopped',
};

/** Kinds of which nothing can have been kept. */
const NOTHING_DONE: ReadonlySet<Kind> = new Set(['gone', 'unavailable']);

/** Whether an error says that work was not done. Its class may be of another copy of the module. */
export function isWorkError(error: unknown): error is WorkError {
  return error instanceof Error && typeof (error as Partial<WorkError>).kind === 'string';
}

/** The typed error of work that has failed. */
export function sqlError(error: unknown, failed: Failed): PluginError {
  const { plugin, undone } = failed;
  if (!isWorkError(error))
    return createError('sql/failed', `the database of ${plugin}: ${messageOf(error)}`, { plugin });
  const { kind, message, sqlite, sqlstate } = error;
  return createError(CODES[kind], `the database of ${plugin}: ${textOf(kind, message, failed)}`, {
    plugin,
    ...(sqlite !== undefined && { details: { sqlite } }),
    ...(sqlstate !== undefined && { details: { sqlstate } }),
    ...(CODES[kind] === 'sql/interrupted' && { retryable: undone || NOTHING_DONE.has(kind) }),
  });
}

function textOf(kind: Kind, message: string, { limits, undone, migration }: Failed): string {
  switch (kind) {
    case 'timeout':
      if (migration) return `it took longer than ${limits.migration} ms ('limits.migration')`;
      return `the statement took longer than ${limits.time} ms ('limits.time') and was ended`;
    case 'memory':
      return `the statement took more than ${limits.memory} bytes of memory ('limits.memory') and was ended`;
    case 'quota':
      return `${message}: it may have ${limits.quota} bytes ('limits.quota'); delete rows, or ask for more`;
    case 'crashed':
      return undone
        ? `${message}, and nothing was changed: do it again`
        : `${message}, and the statement may have been done or not: look before it is done again`;
    case 'aborted':
      return "it took longer than the kernel waits before a step of a plugin ('limits.hook')";
    case 'gone':
      return `${message}, and nothing of it was kept: do it again`;
    default:
      return message;
  }
}
