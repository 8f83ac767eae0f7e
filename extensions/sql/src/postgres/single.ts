/** Statements of a plugin outside of its transactions: each is a transaction of its own. */
import { type Terms, WorkError } from '../backend/backend.js';
import type { Rows } from '../backend/work.js';
import type { Limits } from '../host/options.js';
import { doingOf } from './allowed.js';
import { failureOf, isConflict, isLost } from './failure.js';
import type { Clock } from './lanes.js';
import type { Connection } from './pg-client.js';
import type { Quota } from './quota.js';
import type { Sessions } from './sessions.js';
import { statementOf } from './statements.js';
import { BEGIN, type Query, rowsOf } from './transaction.js';

/** A commit that was ended may have been done. */
export const uncertain = (): WorkError =>
  new WorkError('crashed', 'the connection to the database has ended');

/** Does statements alone. */
export class Single {
  readonly #sessions: Sessions;
  readonly #quota: Quota;
  readonly #limits: Limits;
  stopped = false;

  constructor(sessions: Sessions, quota: Quota, limits: Limits) {
    this.#sessions = sessions;
    this.#quota = quota;
    this.#limits = limits;
  }

  /** @throws WorkError. */
  async run(query: Query, terms: Terms): Promise<Rows> {
    for (let attempt = 1; ; attempt++) {
      if (this.stopped) throw new WorkError('stopped', 'the kernel has stopped');
      const { connection, clock } = await this.#sessions.take();
      const progress = { committing: false };
      try {
        return await clock.within(terms, connection, () => this.#one(connection, query, progress));
      } catch (error) {
        const { kind } = error as WorkError;
        const first = attempt === 1;
        if (kind === 'quota' && first && (await this.makeRoom(connection, clock))) continue;
        if (kind === 'timeout' && progress.committing) throw uncertain();
        if (kind !== 'crashed' || progress.committing) throw error;
        // It was certainly rolled back.
        if (!first) throw new WorkError('gone', 'the connection to the database has ended');
        // A server that has ended has ended those that are idle, too.
        await this.#sessions.close();
      } finally {
        void this.#sessions.give(connection);
      }
    }
  }

  /** Gives back the room of what is gone, after a refusal. Answers false when that isn't possible. */
  async makeRoom(connection: Connection, clock: Clock): Promise<boolean> {
    const terms = { time: this.#limits.time };
    return clock
      .within(terms, connection, () => this.#quota.makeRoom(connection))
      .then(
        () => true,
        () => false,
      );
  }

  async #one(
    connection: Connection,
    { sql, parameters, most }: Query,
    progress: { committing: boolean },
  ): Promise<Rows> {
    const statement = statementOf(sql, parameters.length);
    const doing = doingOf(statement, 'alone');
    await connection.query(BEGIN[doing === 'reads' ? 'read' : 'write']);
    try {
      const answer = await connection.query(statement.sql, parameters, most);
      if (doing === 'writes') {
        await this.#quota.check(connection);
        progress.committing = true;
      }
      await connection.query('commit');
      return rowsOf(answer);
    } catch (error) {
      if (!connection.lost && !isLost(error)) await connection.query('rollback').catch(() => {});
      // Another one was faster, and this one is tried again.
      throw isConflict(error) ? failureOf(error) : error;
    }
  }
}
