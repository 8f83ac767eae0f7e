/** The connections of one plugin: made when they are needed, and as new for each use. */
import { type Terms, WorkError } from '../backend/backend.js';
import type { Limits } from '../host/options.js';
import { isLost, stateOf } from './failure.js';
import { Clock } from './lanes.js';
import type { Owner } from './owner.js';
import { Connection } from './pg-client.js';
import type { Pool } from './pool.js';

/** What this needs. */
export interface SessionParts {
  readonly tenant: string;
  readonly plugin: string;
  readonly owner: Owner;
  readonly pool: Pool;
  readonly limits: Limits;
}

/** A connection that is in use. */
export interface Session {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly role: string;
}

/** Milliseconds after which the server ends by itself what a kernel that has died has left. */
const AFTER = 5_000;
/** Kernels that use a database at the same time. */
const KERNELS = 8;

/** Owns the role of a plugin and the number of its connections. */
export class Sessions {
  readonly #parts: SessionParts;
  #role: string | undefined;
  #making: Promise<string> | undefined;
  clock: Clock | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The role, which is made if it isn't there. */
  async ensure(): Promise<string> {
    if (this.#role !== undefined) return this.#role;
    const { owner, tenant, plugin, limits } = this.#parts;
    const connections = (limits.transactions + 2) * KERNELS;
    this.#making ??= owner.ensure(tenant, plugin, connections).finally(() => {
      this.#making = undefined;
    });
    this.#role = await this.#making;
    this.clock ??= new Clock(owner, this.#role);
    return this.#role;
  }

  /** The role is gone. */
  forget(): void {
    this.#role = undefined;
    this.clock = undefined;
  }

  async clockNow(): Promise<Clock> {
    await this.ensure();
    return this.clock as Clock;
  }

  /** The caller owns the connection until {@link give}. @throws WorkError. */
  async take(): Promise<Session> {
    const { pool, limits } = this.#parts;
    const role = await this.ensure();
    const clock = this.clock as Clock;
    const connection = await pool.take(role, () => this.#open(role), limits.lock);
    return { connection, clock, role };
  }

  /** Takes a connection back. What a statement has set or locked in it ends now. */
  async give(connection: Connection): Promise<void> {
    if (!connection.lost)
      await connection.query('discard all').catch(() => {
        connection.destroy();
      });
    if (this.#role !== undefined) this.#parts.pool.give(this.#role, connection);
  }

  /** Does the application's work in a transaction of its own. @throws WorkError. */
  async apart<T>(
    terms: Terms,
    begin: string,
    work: (connection: Connection, role: string) => Promise<T>,
  ): Promise<T> {
    const { connection, clock, role } = await this.take();
    try {
      return await clock.within(terms, connection, async () => {
        await connection.query(begin);
        await connection.query(`set local statement_timeout = ${Math.ceil(terms.time)}`);
        await connection.query('set local idle_in_transaction_session_timeout = 0');
        const result = await work(connection, role);
        await connection.query('commit');
        return result;
      });
    } catch (error) {
      if (!connection.lost) await connection.query('rollback').catch(() => {});
      throw error;
    } finally {
      await this.give(connection);
    }
  }

  async close(): Promise<void> {
    if (this.#role !== undefined) await this.#parts.pool.close(this.#role);
  }

  async #open(role: string): Promise<Connection> {
    try {
      return await this.#connect(role);
    } catch (error) {
      // A role can change its own password and settings, and other kernels can delete it.
      if (stateOf(error)?.startsWith('28') !== true) throw unavailable(error);
      const { owner } = this.#parts;
      this.#role = undefined;
      if ((await this.ensure()) === role) await owner.repair(role);
      return await this.#connect(role).catch((again) => {
        throw unavailable(again);
      });
    }
  }

  async #connect(role: string): Promise<Connection> {
    const { owner, limits } = this.#parts;
    return Connection.open({
      ...(await owner.login(role)),
      settings: {
        search_path: role,
        statement_timeout: limits.time + AFTER,
        idle_in_transaction_session_timeout: limits.open + AFTER,
        // A wait for others is told as such before the statement's time is over.
        lock_timeout: Math.max(1, Math.min(limits.lock, Math.floor(limits.time * 0.8))),
        timezone: 'UTC',
        datestyle: 'ISO',
        bytea_output: 'hex',
        extra_float_digits: 1,
        standard_conforming_strings: 'on',
        client_encoding: 'UTF8',
        client_min_messages: 'warning',
        client_connection_check_interval: AFTER,
      },
    });
  }
}

function unavailable(error: unknown): Error {
  if (error instanceof WorkError || !isLost(error)) return error as Error;
  return new WorkError('unavailable', 'the database server is not there', { cause: error });
}
