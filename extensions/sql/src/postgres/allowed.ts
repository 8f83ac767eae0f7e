/**
 * Which statements of a plugin are sent at all. The wall is the plugin's role; this keeps sessions in
 * order, so that what a plugin has set or begun is not there for its next statement.
 */
import { WorkError } from '../backend/backend.js';
import type { Statement } from './statements.js';

/** What a statement does. */
export type Doing = 'reads' | 'writes' | 'savepoint';

const READS: ReadonlySet<string> = new Set(['select', 'values', 'table', 'show', 'explain']);
const WRITES: ReadonlySet<string> = new Set([
  'alter',
  'analyze',
  'call',
  'comment',
  'create',
  'delete',
  'do',
  'drop',
  'insert',
  'lock',
  'merge',
  'refresh',
  'reindex',
  'truncate',
  'update',
  'with',
]);
const SAVEPOINTS: ReadonlySet<string> = new Set(['savepoint', 'release']);
/** What is the server's, not a plugin's. */
const SERVER: ReadonlySet<string> = new Set(['database', 'group', 'role', 'system', 'user']);
const OF_SERVER: ReadonlySet<string> = new Set(['alter', 'comment', 'create', 'drop']);

/** @throws WorkError `denied`. */
export function doingOf(
  { first, second }: Statement,
  where: 'alone' | 'transaction' | 'migration',
): Doing {
  if (READS.has(first)) return 'reads';
  if (WRITES.has(first) && !(OF_SERVER.has(first) && SERVER.has(second))) return 'writes';
  const point = SAVEPOINTS.has(first) || (first === 'rollback' && second === 'to');
  if (where === 'transaction' && point) return 'savepoint';
  const what = [first, second].filter(Boolean).join(' ').slice(0, 80);
  throw new WorkError('denied', `the statement may not: ${what}`);
}
