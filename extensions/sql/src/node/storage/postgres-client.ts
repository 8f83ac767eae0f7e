/** A PostgreSQL database as a place for documents of the kernel, for any number of kernels. */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Pool } from 'pg';
import { type Client, Failure, type Parameter, type Row } from './client.js';

/** Where the documents are. */
export interface PostgresPlace {
  /** The address, like `postgres://user:password@host:5432/name`. */
  readonly url: string;
  readonly schema: string;
  /** Statements that make the tables in the schema. */
  readonly tables: readonly string[];
  /** One of the tables. When it is there, nothing is made. */
  readonly table: string;
}

/** Connections of one storage. */
const CONNECTIONS = 4;
/** Milliseconds to connect, and that a statement may take. */
const CONNECT = 5_000;
const STATEMENT = 30_000;

/** Owns the connections. */
export class PostgresClient implements Client {
  readonly name: string;
  readonly #place: PostgresPlace;
  #pool: Promise<Pool> | undefined;
  #closed: Promise<void> | undefined;

  constructor(place: PostgresPlace) {
    this.#place = place;
    this.name = nameOf(place.url);
  }

  async run(sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]> {
    if (this.#closed !== undefined) throw new Failure('it was closed');
    this.#pool ??= this.#open();
    const opening = this.#pool;
    try {
      const pool = await opening;
      const { rows } = await pool.query<Row>(sql, [...parameters]);
      return rows;
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** A server keeps its tables: what is missing there is a failure of the statement. */
  onLost(_listener: (problem: PluginError) => void): () => void {
    return () => {};
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await (await this.#pool?.catch(() => undefined))?.end();
    })();
    return this.#closed;
  }

  async #open(): Promise<Pool> {
    const { Pool } = await load();
    const pool = new Pool({
      connectionString: this.#place.url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT,
      statement_timeout: STATEMENT,
      query_timeout: STATEMENT + CONNECT,
      application_name: 'plinth',
      keepAlive: true,
      // A process ends when it has nothing else to do than to keep connections.
      allowExitOnIdle: true,
      // What is acknowledged is on the disk of the server, whatever its own setting is.
      async onConnect(connection) {
        await connection.query(
          `select set_config('synchronous_commit', 'on', false)
          where current_setting('synchronous_commit') = 'off'`,
        );
      },
    });
    // An idle connection that is cut is replaced by the next statement.
    pool.on('error', () => {});
    try {
      await this.#make(pool);
      return pool;
    } catch (error) {
      // The next statement tries again.
      this.#pool = undefined;
      await pool.end().catch(() => {});
      throw error;
    }
  }

  /** Makes the tables where they are missing. Kernels that start at the same time take turns. */
  async #make(pool: Pool): Promise<void> {
    const { schema, table, tables } = this.#place;
    const found = await pool.query('select to_regclass($1) as found', [table]);
    if (found.rows[0]?.found !== null) return;
    const connection = await pool.connect();
    try {
      await connection.query('begin');
      await connection.query("select pg_advisory_xact_lock(hashtext('plinth tables'))");
      const there = await connection.query('select 1 from pg_namespace where nspname = $1', [
        schema,
      ]);
      if (there.rowCount === 0) await connection.query(`create schema "${schema}"`);
      for (const one of tables) await connection.query(one);
      await connection.query('commit');
      connection.release();
    } catch (error) {
      // The transaction ends with its connection.
      connection.release(true);
      throw error;
    }
  }
}

/** @throws PluginConfigurationError `kernel/invalid-option` when `pg` isn't installed. */
async function load(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw createError(
      'kernel/invalid-option',
      `PostgreSQL needs the package 'pg': npm install pg (${messageOf(cause)})`,
      { details: { option: 'postgres' }, cause },
    );
  }
}

/** The address without the password. */
function nameOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `postgres://${hostname}${port && `:${port}`}${pathname}`;
}

/** What a code of the server or of the connection means, and its cure. */
const CURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there: start it, or correct the address',
  ENOTFOUND: 'the host is not known: correct the address',
  '28P01': 'the password is wrong: correct the address',
  '28000': 'the user may not log in: correct the address, or the rights of the server',
  '3D000': 'there is no such database: create it, or correct the address',
  '42501': 'the user has no right to: grant it `create` on the database, or `usage` on the schema',
  '53100': 'the disk of the server is full: make room on it',
  '53300': 'the server has too many connections: raise its limit, or end others',
  '25006': 'the server only reads: use the address of the primary one',
  '57014': 'it took too long',
};

/** Codes of failures that pass. The connection may be cut, and the server may start again. */
const PASSING =
  /^(08...|40001|40P01|53300|55P03|57P0[1-3]|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN)$/;
/** What `pg` says without a code when a connection is cut. */
const CUT =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;

function failureOf(error: unknown): unknown {
  const { code, message } = deepest(error);
  if (error instanceof Failure || (code === undefined && !(error instanceof Error))) return error;
  if (typeof code === 'string' && code.includes('/')) return error;
  const cure = code === undefined ? undefined : CURES[code];
  return new Failure(cure === undefined ? message : `${cure} (${message})`, {
    reason: code,
    passing: PASSING.test(code ?? '') || CUT.test(message),
    locked: code === '55P03' || code === '40001' || code === '40P01',
    cause: error,
  });
}

/** A host with several addresses fails with a list of failures. */
function deepest(error: unknown): { readonly code: string | undefined; readonly message: string } {
  const [first] = (error as { readonly errors?: readonly unknown[] } | null)?.errors ?? [];
  const { code, message } = (first ?? error ?? {}) as {
    readonly code?: string;
    readonly message?: string;
  };
  return { code, message: String(message || code || error) };
}
