/** Transactions of plugins, whichever database the application has. */
import { PluginError } from '@plinth/sdk';
import type { Kysely, Transaction } from '@plinth/sql';

const ATTEMPTS = 10;
/** Milliseconds, of which a part at random is waited for each attempt that has failed. */
const WAIT = 20;

/**
 * Runs work in a transaction. Some databases end a transaction when another one was faster with the
 * same rows. Nothing of it is kept then, and the work runs again: it does nothing but statements.
 */
export async function whole<S, T>(
  db: Kysely<S>,
  work: (trx: Transaction<S>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof PluginError && error.retryable)) throw error;
      await new Promise<void>((resolve) => setTimeout(resolve, Math.random() * WAIT * attempt));
    }
  }
}
