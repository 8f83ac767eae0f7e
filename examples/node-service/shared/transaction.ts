/** Transactions of plugins, whichever database the application has. */
import { PluginError } from '@plinth/sdk';
import type { Kysely, Transaction } from '@plinth/sql';

/** Milliseconds in which a transaction begins again. */
const PATIENCE = 5_000;
/** Milliseconds, of which a part at random is waited after each failure. */
const WAIT = 50;

/**
 * Runs work in a transaction. Some databases end a transaction when another one was faster with the
 * same rows. Nothing of it is kept then, and the work runs again: it does nothing but statements.
 */
export async function whole<S, T>(
  db: Kysely<S>,
  work: (trx: Transaction<S>) => Promise<T>,
): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (!mayRunAgain(error) || Date.now() > end) throw error;
      await new Promise<void>((resolve) => setTimeout(resolve, Math.random() * WAIT));
    }
  }
}

/** What is over the quota, for one, stays so. */
const mayRunAgain = (error: unknown): boolean =>
  error instanceof PluginError &&
  error.retryable &&
  (error.code === 'sql/locked' || error.code === 'sql/interrupted');
