/** The connections of one plugin: made when they are needed, and as new for each use. */
import { type Terms, WorkError } from '../backend/backend.js';
import type { Limits } from '../host/options.js';
import { isLost, stateOf } from './failure.js';
import { inTime, PATIENCE } from './in-time.js';
import { Clock, MOST_TIME } from './lanes.js';
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
const MOST_CONNECTIONS = 1_000;

/** Owns the role of a plugin and the number of its connections. */
export class Sessions {
  readonly #parts: SessionParts;
  #role: string | undefined;
  /** It stays the same when the role is made again. */
  #name = '';
  #making: Promise<string> | undefined;
  #returning: Promise<unknown> = Promise.resolve();
  clock: Clock | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The role, which is made if it isn't there. */
  async ensure(): Promise<string> {
    if (this.#role !== undefined) return this.#role;
    const { owner, tenant, plugin, limits } = this.#parts;
    const connections = Math.min((limits.transactions + 2) * KERNELS, MOST_CONNECTIONS);
    this.#making ??= owner.ensure(tenant, plugin, connections).finally(() => {
      this.#making = undefined;
    });
    this.#role = await this.#making;
    this.#name = this.#role;
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
    await this.#returning;
    const role = await this.ensure();
    const clock = this.clock as Clock;
    const connection = await pool.take(role, () => this.#open(role), limits.lock);
    return { connection, clock, role };
  }

  /**
   * Takes a connection back. What a statement has set or locked in it ends now. Nothing has to wait
   * for that but {@link take} and {@link close}.
   */
  give(connection: Connection): Promise<void> {
    const given = this.#clean(connection).then(() => {
      this.#parts.pool.give(this.#name, connection);
    });
    this.#returning = Promise.all([this.#returning, given]);
    return given;
  }

  async #clean(connection: Connection): Promise<void> {
    if (connection.lost) return;
    const done = await inTime(connection.query('discard all'), PATIENCE).catch(() => false);
    if (!done) connection.destroy();
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
        await connection.query(
          `set local statement_timeout = ${Math.min(Math.ceil(terms.time), MOST_TIME)}`,
        );
        await connection.query('set local idle_in_transaction_session_timeout = 0');
        const result = await work(connection, role);
        await connection.query('commit');
        return result;
      });
    } catch (error) {
      const back = () => inTime(connection.query('rollback'), PATIENCE);
      if (!connection.lost) await back().catch(() => {});
      throw error;
    } finally {
      await this.give(connection);
    }
  }

  async close(): Promise<void> {
    await this.#returning;
    if (this.#name !== '') await this.#parts.pool.close(this.#name);
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
        statement_timeout: Math.min(limits.time + AFTER, MOST_TIME),
        idle_in_transaction_session_timeout: Math.min(limits.open + AFTER, MOST_TIME),
        // A wait for others is told as such before the statement's time is over.
        lock_timeout: Math.max(1, Math.min(limits.lock, Math.floor(limits.time * 0.8), MOST_TIME)),
        timezone: 'UTC',
        datestyle: 'ISO',
        bytea_output: 'hex',
        extra_float_digits: 1,
        standard_conforming_strings: 'on',
        client_encoding: 'UTF8',
        client_min_messages: 'warning',
      },
    });
  }
}

function unavailable(error: unknown): Error {
  if (error instanceof WorkError || !isLost(error)) return error as Error;
  return new WorkError('unavailable', 'the database server is not there', { cause: error });
}
