/** One transaction of a plugin: its statements and its open results. */
import { WorkError } from '../backend/backend.js';
import type { Most, Rows } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { doingOf } from './allowed.js';
import { failureOf, isConflict, isLost } from './failure.js';
import type { Answer, Connection } from './pg-client.js';
import { type Statement, statementOf } from './statements.js';
import { sizeOf } from './values.js';

/** A statement as a plugin sends it. */
export interface Query {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly most: Most;
}

/** A result of which not all rows were sent. */
interface Cursor {
  /** Rows that have come from the server and had no place in the part before. */
  readonly left: SqlValue[][];
  columns: readonly string[];
  /** Bytes of a row on average, of those that were seen. */
  average: number;
  over: boolean;
}

/** Results that may be open at once, and rows that are asked for at once. */
const MOST_CURSORS = 4;
const MOST_ROWS = 100;
/** How much larger than the largest row the rows may be that come at once. */
const AT_ONCE = 4;

/** Keeps a failed statement from ending its transaction, as it is in SQLite. */
const POINT = 'plinth_statement';

/** How a transaction begins. Those that write can't see each other's work, in any order. */
export const BEGIN = {
  read: 'begin isolation level repeatable read read only',
  write: 'begin isolation level serializable read write',
  migration: 'begin isolation level read committed read write',
} as const;

/** Owns the open results of a transaction, and knows whether it is over. */
export class Transaction {
  readonly connection: Connection;
  readonly access: 'read' | 'write';
  readonly #point: string | undefined;
  /** Reads within a transaction that isn't its own, so that its end must undo nothing. */
  readonly #guest: boolean;
  readonly #cursors = new Map<number, Cursor>();
  #lastCursor = 0;
  #over: string | undefined;

  /** @param point the savepoint of a transaction within another one, which is for what writes. */
  constructor(connection: Connection, access: 'read' | 'write', point?: string) {
    this.connection = connection;
    this.access = access;
    this.#guest = point !== undefined && access === 'read';
    this.#point = this.#guest ? undefined : point;
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  async begin(): Promise<void> {
    const { connection, access } = this;
    if (this.#guest) return;
    await connection.query(this.#point === undefined ? BEGIN[access] : `savepoint ${this.#point}`);
  }

  /** Does one statement. If it fails, nothing of it is kept, and the transaction goes on. */
  async run({ sql, parameters, most }: Query, before?: () => Promise<void>): Promise<Rows> {
    const statement = statementOf(sql, parameters.length);
    const doing = doingOf(statement, 'transaction');
    if (this.#guest && doing !== 'reads')
      throw new WorkError('denied', 'the statement may not: write in a transaction that reads');
    if (doing === 'savepoint') {
      await this.#asking(() => this.connection.query(statement.sql, parameters));
      return { columns: [], rows: [], changes: 0 };
    }
    return this.within(async () => {
      const answer = await this.connection.query(statement.sql, parameters, most);
      await before?.();
      return rowsOf(answer);
    });
  }

  /** Starts a statement that reads, and answers its first rows. */
  async stream({ sql, parameters, most }: Query): Promise<Rows> {
    if (this.#cursors.size >= MOST_CURSORS)
      throw new WorkError('invalid', `a transaction has at most ${MOST_CURSORS} open streams`);
    const statement = statementOf(sql, parameters.length);
    mustRead(statement);
    this.#lastCursor += 1;
    const id = this.#lastCursor;
    const cursor: Cursor = { left: [], columns: [], average: 0, over: false };
    return this.within(async () => {
      const text = `declare ${nameOf(id)} no scroll cursor for ${statement.sql}`;
      await this.connection.query(text, parameters);
      const rows = await this.#part(id, cursor, most);
      if (rows.cursor !== undefined) this.#cursors.set(id, cursor);
      return rows;
    });
  }

  /** @throws WorkError `gone`. */
  async next(id: number, most: Most): Promise<Rows> {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) throw new WorkError('gone', 'the stream is over');
    try {
      const rows = await this.within(() => this.#part(id, cursor, most));
      if (rows.cursor === undefined) this.#cursors.delete(id);
      return rows;
    } catch (error) {
      this.#cursors.delete(id);
      throw error;
    }
  }

  async leave(id: number): Promise<void> {
    if (this.#cursors.delete(id)) await this.within(() => this.connection.query(closing(id)));
  }

  /** Ends it. @throws WorkError: then nothing of it is kept, unless the connection has ended. */
  async end(commit: boolean, before?: () => Promise<void>): Promise<void> {
    const { connection } = this;
    if (this.#over !== undefined || connection.lost) {
      if (commit) throw new WorkError('gone', this.#over ?? LOST);
      return;
    }
    try {
      if (commit) await before?.();
    } catch (error) {
      await this.end(false);
      throw this.#failed(error);
    }
    this.#over = 'the transaction is over';
    for (const id of this.#cursors.keys()) await connection.query(closing(id));
    this.#cursors.clear();
    if (this.#guest) return;
    if (this.#point !== undefined) {
      if (!commit) await connection.query(`rollback to ${this.#point}`);
      await connection.query(`release ${this.#point}`);
      return;
    }
    const { command } = await connection.query(commit ? 'commit' : 'rollback').catch((error) => {
      throw isConflict(error) ? conflict(error) : failureOf(error);
    });
    if (commit && command !== 'COMMIT')
      throw new WorkError('gone', 'a statement has rolled the transaction back');
  }

  /** Does work within a savepoint. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    const { connection } = this;
    return this.#asking(async () => {
      await connection.query(`savepoint ${POINT}`);
      try {
        const result = await work();
        await connection.query(`release ${POINT}`);
        return result;
      } catch (error) {
        if (!connection.lost && !isLost(error) && !isConflict(error)) {
          await connection.query(`rollback to ${POINT}`);
          await connection.query(`release ${POINT}`);
        }
        throw error;
      }
    });
  }

  async #asking<T>(work: () => Promise<T>): Promise<T> {
    if (this.#over !== undefined) throw new WorkError('gone', this.#over);
    if (this.connection.lost) throw new WorkError('gone', LOST);
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** The failure of a statement. The loss of the connection is the end of the transaction. */
  #failed(error: unknown): WorkError {
    if (error instanceof WorkError) return error;
    if (isLost(error)) {
      this.#over = LOST;
      this.connection.destroy();
      return new WorkError('gone', LOST, { cause: error });
    }
    if (!isConflict(error)) return failureOf(error);
    this.#over = CONFLICT;
    this.connection.query('rollback').catch(() => {});
    return conflict(error);
  }

  async #part(id: number, cursor: Cursor, most: Most): Promise<Rows> {
    const rows: SqlValue[][] = [];
    let bytes = 0;
    for (;;) {
      const row = cursor.left[0];
      if (row === undefined) {
        if (cursor.over) break;
        await this.#fetch(id, cursor, most, { rows: most.rows - rows.length, bytes });
        continue;
      }
      const size = row.reduce((sum: number, value) => sum + sizeOf(value), 8);
      if (rows.length > 0 && (rows.length >= most.rows || bytes + size > most.bytes)) break;
      cursor.left.shift();
      rows.push(row);
      bytes += size;
    }
    const { columns } = cursor;
    if (cursor.left.length > 0 || !cursor.over) return { columns, rows, cursor: id };
    await this.connection.query(closing(id));
    return { columns, rows };
  }

  async #fetch(
    id: number,
    cursor: Cursor,
    most: Most,
    done: { readonly rows: number; readonly bytes: number },
  ): Promise<void> {
    const room = cursor.average === 0 ? 1 : Math.floor((most.bytes - done.bytes) / cursor.average);
    const count = Math.max(1, Math.min(MOST_ROWS, done.rows, room));
    const { rows, columns } = await this.connection.query(`fetch ${count} from ${nameOf(id)}`, [], {
      rows: count,
      bytes: most.row * AT_ONCE,
      row: most.row,
    });
    cursor.columns = columns;
    cursor.over = rows.length < count;
    cursor.left.push(...rows);
    const sizes = rows.map((row) => row.reduce((sum: number, value) => sum + sizeOf(value), 8));
    if (rows.length > 0) cursor.average = sizes.reduce((sum, size) => sum + size, 0) / rows.length;
  }
}

const LOST = 'the connection to the database has ended';
const CONFLICT = 'another transaction was faster with the same rows';

const conflict = (error: unknown): WorkError => new WorkError('gone', CONFLICT, { cause: error });

/** The rows of an answer, or the number of those that were changed. */
export const rowsOf = ({ columns, rows, count }: Answer): Rows =>
  columns.length > 0 ? { columns, rows } : { columns, rows, changes: count };

const nameOf = (cursor: number): string => `plinth_cursor_${cursor}`;
const closing = (cursor: number): string => `close ${nameOf(cursor)}`;

function mustRead({ first }: Statement): void {
  if (['select', 'values', 'table', 'with'].includes(first)) return;
  throw new WorkError('invalid', 'only statements that read can be streamed');
}
