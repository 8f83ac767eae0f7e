/**
 * Migrations, and what a plugin does until it is active: one transaction. If the plugin doesn't start,
 * all of it is rolled back.
 */
import { type Terms, WorkError } from '../backend/backend.js';
import { type Applied, REGISTRY, type Rows, type Step } from '../backend/work.js';
import type { Limits } from '../host/options.js';
import { doingOf } from './allowed.js';
import { failureOf, isLost } from './failure.js';
import { Clock, Lane, MOST_TIME } from './lanes.js';
import { appliedOf, type Owner } from './owner.js';
import type { Connection } from './pg-client.js';
import type { Quota } from './quota.js';
import { statementsOf } from './statements.js';
import { BEGIN, type Query, Transaction } from './transaction.js';

/** What this needs. */
export interface TrialParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly role: string;
  readonly owner: Owner;
  readonly limits: Limits;
  readonly quota: Quota;
}

/** Owns the transaction. Transactions of the plugin are savepoints of it. */
export class Trial {
  readonly connection: Connection;
  readonly lane = new Lane();
  readonly #parts: TrialParts;
  readonly #whole: Transaction;
  /** The transaction of the plugin that may write: one at a time. */
  #writer: number | undefined;

  constructor(parts: TrialParts) {
    this.#parts = parts;
    this.connection = parts.connection;
    this.#whole = new Transaction(parts.connection, 'write');
  }

  /**
   * Runs migrations: all, or none. False: others have run some meanwhile.
   *
   * @throws WorkError that names the migration.
   */
  async migrate(
    expected: readonly string[],
    steps: readonly Step[],
    terms: Terms,
  ): Promise<boolean> {
    const { connection, clock, role, owner, quota } = this.#parts;
    const key = await owner.keyOf(role);
    let ran = false;
    await clock.within(terms, connection, async () => {
      await connection.query(BEGIN.migration);
      try {
        await connection.query(
          `set local statement_timeout = ${Math.min(Math.ceil(terms.time), MOST_TIME)}`,
        );
        // It is the kernel that waits now: for the plugin to start.
        await connection.query('set local idle_in_transaction_session_timeout = 0');
        // Until the end, so that a second kernel waits. A plugin has no way to hold this lock.
        await connection.query('select plinth.lock($1)', [key]);
        const applied = (await owner.applied(role)).map(({ name }) => name);
        if (applied.join() !== expected.join()) return;
        for (const step of steps) await this.#step(step, key);
        await this.#blamed(steps.at(-1)?.name, async () => {
          await connection.query('set constraints all immediate');
          await quota.check(connection);
        });
        ran = true;
      } finally {
        if (!ran && !connection.lost) await connection.query('rollback').catch(() => {});
      }
    });
    return ran;
  }

  /** The migrations that have run, in order. */
  applied(): Promise<readonly Applied[]> {
    return this.lane.run(async () => {
      const { clock, connection, limits, role } = this.#parts;
      const text = `select name, checksum, additive, at from ${role}.${REGISTRY}`;
      const terms = { time: limits.time };
      return clock.within(terms, connection, async () =>
        (await connection.query(text)).rows.map(appliedOf),
      );
    });
  }

  /** A statement of the plugin. */
  run(query: Query & { readonly sql: string }, terms: Terms): Promise<Rows> {
    return this.lane.run(() => {
      const { clock, connection, quota } = this.#parts;
      const reads = /^\s*(select|values|table|show)\b/i.test(query.sql);
      if (!reads && this.#writer !== undefined)
        throw new WorkError('busy', 'a transaction of the plugin writes');
      return clock.within(terms, connection, () =>
        this.#whole.run(query, () => quota.check(connection)),
      );
    });
  }

  /** Begins a transaction of the plugin. @throws WorkError `busy` while another one writes. */
  async begin(lease: number, access: 'read' | 'write', terms: Terms): Promise<Transaction> {
    return this.lane.run(async () => {
      if (access === 'write' && this.#writer !== undefined)
        throw new WorkError('busy', 'a transaction of the plugin writes');
      const { clock, connection } = this.#parts;
      const transaction = new Transaction(connection, access, `plinth_lease_${lease}`);
      await clock.within(terms, connection, () => transaction.begin());
      if (access === 'write') this.#writer = lease;
      return transaction;
    });
  }

  ended(lease: number): void {
    if (this.#writer === lease) this.#writer = undefined;
  }

  /** Keeps all, or nothing. What the plugin has open is rolled back. */
  async end(commit: boolean): Promise<void> {
    const { connection, limits, owner, quota, role } = this.#parts;
    // Of its own: the end of the kernel doesn't interrupt it.
    const clock = new Clock(owner, role);
    await this.lane.run(async () => {
      const terms = { time: limits.migration };
      // Outside of a transaction `commit` succeeds, and keeps nothing. A savepoint fails there.
      const check = () => this.#whole.within(() => quota.check(connection));
      await clock.within(terms, connection, async () => {
        if (commit && this.#writer !== undefined)
          await connection.query(`rollback to plinth_lease_${this.#writer}`);
        await this.#whole.end(commit, commit ? check : undefined);
      });
    });
  }

  async #step({ name, sql, checksum, additive }: Step, key: string): Promise<void> {
    const { connection } = this.#parts;
    await this.#blamed(name, async () => {
      for (const statement of statementsOf(sql)) {
        doingOf(statement, 'migration');
        await connection.query(statement.sql);
      }
      const at = new Date().toISOString();
      const record = 'select plinth.record($1, $2, $3, $4, $5)';
      const { rows } = await connection.query(record, [
        key,
        name,
        checksum,
        additive ? 'true' : 'false',
        at,
      ]);
      if (rows[0]?.[0] !== 1) throw new WorkError('gone', 'its database was deleted meanwhile');
    });
  }

  async #blamed<T>(migration: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isLost(error)) throw error;
      const { kind, message, sqlstate } = failureOf(error);
      throw new WorkError(kind, message, {
        ...(sqlstate && { sqlstate }),
        migration,
        cause: error,
      });
    }
  }
}
