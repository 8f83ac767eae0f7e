/** One connection to PostgreSQL: the only place that knows `pg`. */
import type { Duplex } from 'node:stream';
import type { Client, Query } from 'pg';
import { WorkError } from '../backend/backend.js';
import type { Most } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { fromText, sizeOf, toParameter } from './values.js';

/** Whose connection it is, and to what. */
export interface Login {
  /** The address of the owner, whose host and database are used. */
  readonly url: string;
  /** Another role than that of the address. */
  readonly user?: string;
  readonly password?: string;
  /** Settings of the session, by name. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** What a statement answers. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: SqlValue[][];
  /** Rows that were changed or read. */
  readonly count: number;
  /** What was done: `COMMIT`, `ROLLBACK`, … */
  readonly command: string;
}

/** Milliseconds that a connection may take to be there. */
const CONNECT = 10_000;
/** Milliseconds that its end may take. */
const CLOSE = 2_000;
/** Bytes of an answer to the kernel's own statements. */
const OWN: Most = { rows: 100_000, bytes: 16_777_216, row: 16_777_216 };
/** Bytes that come with each answer besides its rows. */
const AROUND = 1_048_576;

/** What its types leave out. */
interface Inner {
  readonly processID: number;
  readonly connection: { readonly stream: Duplex };
  ref(): void;
  unref(): void;
}

/** Owns a connection. It does one statement at a time. */
export class Connection {
  readonly #client: Client;
  readonly #inner: Inner;
  readonly #query: typeof Query;
  /** The process of the server that serves it. */
  readonly pid: number;
  #lost = false;
  #bytes = 0;
  #mostBytes = Number.POSITIVE_INFINITY;
  #ready: Promise<unknown> = Promise.resolve();

  private constructor(client: Client, query: typeof Query) {
    this.#client = client;
    this.#query = query;
    this.#inner = client as unknown as Inner;
    this.pid = this.#inner.processID;
    this.#inner.unref();
    const { stream } = this.#inner.connection;
    // A row is parsed when all of it is there. One that is too large must not come that far.
    stream.on('data', (chunk: Uint8Array) => {
      this.#bytes += chunk.byteLength;
      if (this.#bytes > this.#mostBytes) this.destroy();
    });
    client.on('end', () => {
      this.#lost = true;
    });
  }

  /** @throws the error of `pg`. */
  static async open({ url, user, password, settings = {} }: Login): Promise<Connection> {
    const { default: pg } = await import('pg');
    const address = new URL(url);
    // What stands behind the question mark has precedence over what stands before it.
    address.searchParams.delete('options');
    if (user !== undefined && password !== undefined) {
      for (const name of ['user', 'password']) address.searchParams.delete(name);
      Object.assign(address, { username: user, password });
    }
    const client = new pg.Client({
      connectionString: address.href,
      connectionTimeoutMillis: CONNECT,
      keepAlive: true,
      application_name: 'plinth',
      options: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${String(value).replaceAll(/[\\ ]/g, '\\$&')}`)
        .join(' '),
    });
    // What is lost is told by the statement in progress, and by `lost`.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    const connection = new Connection(client, pg.Query);
    if (user !== undefined) await connection.#mustBe(user);
    return connection;
  }

  /** A plugin's statements as another role would have its rights. */
  async #mustBe(user: string): Promise<void> {
    const late = setTimeout(() => this.destroy(), CONNECT);
    const { rows } = await this.query('select session_user::text').finally(() =>
      clearTimeout(late),
    );
    if (rows[0]?.[0] === user) return;
    this.destroy();
    throw new WorkError('failed', `the server has not logged in ${user}`);
  }

  /** Whether the server or the network has ended it. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * Does one statement.
   *
   * @throws WorkError `too-large`; the error of `pg` else.
   */
  async query(text: string, values: readonly SqlValue[] = [], most: Most = OWN): Promise<Answer> {
    await this.#ready;
    if (this.#lost) throw new Error('the connection is lost');
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const rows: SqlValue[][] = [];
    const taken = { bytes: 0, full: false };
    const query = new this.#query({
      text,
      values: values.map(toParameter),
      queryMode: 'extended',
      rowMode: 'array',
      types: {
        // What has no place any more isn't looked at.
        getTypeParser: (type: number) => (value: string) =>
          taken.full ? null : fromText(type, value),
      },
    } as never);
    this.#bytes = 0;
    this.#mostBytes = most.bytes * 2 + AROUND;
    const over = new Promise<void>((done) => {
      query.on('row', (row: unknown) => {
        if (!taken.full) take(row as SqlValue[], rows, most, taken);
      });
      query.on('end', (result) => {
        const { fields, rowCount, command } = result;
        if (taken.full) reject(tooLarge(most));
        else
          resolve({
            columns: fields.map(({ name }) => name),
            rows,
            count: rowCount ?? 0,
            command,
          });
        done();
      });
      query.on('error', (error) => {
        const cut = this.#bytes > this.#mostBytes;
        reject(cut ? tooLarge(most) : error);
        // The server says when it is ready for the next one, unless it is gone.
        if (this.#lost || cut) return done();
        const ready = () => {
          this.#client.off('drain', ready);
          this.#client.off('end', ready);
          done();
        };
        this.#client.on('drain', ready);
        this.#client.on('end', ready);
      });
    });
    this.#ready = over;
    // While nothing is asked, the connection doesn't keep the application running.
    this.#inner.ref();
    this.#client.query(query);
    return promise.finally(() => this.#inner.unref());
  }

  /** Ends it in good order. */
  async close(): Promise<void> {
    if (this.#lost) return;
    // The other side may say nothing any more.
    const late = setTimeout(() => this.destroy(), CLOSE);
    await this.#client.end().catch(() => {});
    clearTimeout(late);
    this.#lost = true;
  }

  /** Ends it at once. */
  destroy(): void {
    this.#lost = true;
    this.#inner.connection.stream.destroy();
  }
}

function take(
  row: SqlValue[],
  rows: SqlValue[][],
  most: Most,
  taken: { bytes: number; full: boolean },
): void {
  const size = row.reduce((sum: number, value) => sum + sizeOf(value), 8);
  taken.bytes += size;
  taken.full = size > most.row || rows.length >= most.rows || taken.bytes > most.bytes;
  if (taken.full) rows.length = 0;
  else rows.push(row);
}

const tooLarge = ({ rows, bytes }: Most): WorkError =>
  new WorkError(
    'too-large',
    `the result has more than ${rows} rows or ${bytes} bytes: limit it, or read it by stream()`,
  );
