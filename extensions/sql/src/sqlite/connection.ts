/** One connection to a database: its statements, its open results, and what it may do. */
import type { Most, Rows } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { statementsOf } from '../text/tokens.js';
import type { Driver, SqliteDatabase } from './driver.js';
import { Refused } from './failure.js';
import { checkRename, Guard, type Mode } from './guard.js';
import { PAGE, type Place } from './protocol.js';
import { columnsOf, fromOutput, take, whole } from './rows.js';
import { inputs, type Prepared, Statements } from './statements.js';

/** A result of which not all rows were sent. */
interface Cursor {
  readonly prepared: Prepared;
  readonly rows: Iterator<SqlValue[]>;
  /** A row that had no place in the part before. */
  next: SqlValue[] | undefined;
}

type Query = {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly most: Most;
};

/** Results of a transaction that may be open at once. */
const MOST_CURSORS = 4;
/** Bytes that the log of changes keeps when it is empty. */
const LOG = 8_388_608;

/** Owns a connection. Statements of plugins run only by {@link run}. */
export class Connection {
  readonly #driver: Driver;
  readonly #db: SqliteDatabase;
  readonly #guard = new Guard();
  readonly #statements: Statements;
  readonly #cursors = new Map<number, Cursor>();
  readonly #path: string;
  /** Bytes of the log of changes with which nothing more is written. */
  readonly #mostLog: number;
  #lastCursor = 0;

  constructor(driver: Driver, { path, pages }: Place) {
    this.#driver = driver;
    this.#path = path;
    this.#mostLog = pages * PAGE + LOG;
    this.#db = driver.open(path);
    this.#statements = new Statements(driver, this.#db, this.#guard);
    try {
      // Acknowledged means durable: each commit is written through to the disk.
      this.#db.exec(`pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on;
        pragma temp_store=memory; pragma trusted_schema=off; pragma max_page_count=${pages};
        pragma journal_size_limit=${LOG}`);
      this.#db.setAuthorizer(this.#guard.check);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** For copies. */
  get database(): SqliteDatabase {
    return this.#db;
  }

  /** Runs the kernel's own statements. */
  own(sql: string): void {
    this.#guard.begin('own');
    this.#db.exec(sql);
  }

  /** The rows of one of the kernel's own statements. */
  ownRows(sql: string, ...parameters: readonly SqlValue[]): Record<string, unknown>[] {
    this.#guard.begin('own');
    return this.#statements.all(sql, parameters);
  }

  /**
   * Comes before each transaction and each statement that writes. The log of changes only grows
   * while transactions read, and readers that take turns would fill the disk with it.
   *
   * @throws Refused `log`.
   */
  checkLog(): void {
    if (this.#driver.logSize(this.#path) <= this.#mostLog) return;
    this.#statements.all('pragma wal_checkpoint(truncate)');
    const left = this.#driver.logSize(this.#path);
    if (left > this.#mostLog)
      throw new Refused(
        'log',
        `transactions or streams that read hold ${left} bytes of changes: end them, then write again`,
      );
  }

  /** Runs the statements of a migration. @throws Refused `denied`. */
  migration(sql: string): void {
    for (const statement of statementsOf(sql)) checkRename(statement);
    this.#guarded('migration', () => this.#db.exec(sql));
  }

  /** Runs a statement of a plugin to its end. Its changes are undone when the result is too large. */
  run({ sql, parameters, most }: Query, mode: 'plain' | 'transaction'): Rows {
    return this.#guarded(mode, () => {
      const prepared = this.#statements.get(sql, mode);
      try {
        const values = inputs(prepared, parameters);
        if (prepared.writes && mode === 'plain') this.#ownWork(() => this.checkLog(), mode);
        if (!prepared.returns) return changed(prepared, values);
        return prepared.writes
          ? this.#returning(prepared, values, most, mode)
          : whole(prepared.statement, values, most);
      } finally {
        this.#statements.done(prepared);
      }
    });
  }

  /** Starts a statement that reads, and answers its first rows. */
  stream({ sql, parameters, most }: Query, mode: 'plain' | 'transaction'): Rows {
    if (this.#cursors.size >= MOST_CURSORS)
      throw new Refused('invalid', `a transaction has at most ${MOST_CURSORS} open streams`);
    return this.#guarded(mode, () => {
      const prepared = this.#statements.fresh(sql);
      let cursor: Cursor;
      try {
        if (prepared.writes || !prepared.returns)
          throw new Refused('invalid', 'only statements that read can be streamed');
        const values = inputs(prepared, parameters);
        const rows = prepared.statement.iterate(...values) as Iterator<SqlValue[]>;
        cursor = { prepared, rows, next: undefined };
      } catch (error) {
        this.#statements.done(prepared);
        throw error;
      }
      this.#lastCursor += 1;
      this.#cursors.set(this.#lastCursor, cursor);
      return this.#part(this.#lastCursor, cursor, most);
    });
  }

  /** @throws Refused `gone`. */
  next(id: number, most: Most, mode: 'plain' | 'transaction'): Rows {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) throw new Refused('gone', 'the stream is over');
    return this.#guarded(mode, () => this.#part(id, cursor, most));
  }

  leave(id: number): void {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) return;
    this.#cursors.delete(id);
    cursor.rows.return?.();
    this.#statements.done(cursor.prepared);
  }

  /** Ends its open results and its transaction. */
  end(commit: boolean): void {
    for (const id of [...this.#cursors.keys()]) this.leave(id);
    if (this.#db.isTransaction) this.own(commit ? 'commit' : 'rollback');
    else if (commit) throw new Refused('failed', 'the transaction was rolled back by a statement');
  }

  close(): void {
    for (const id of [...this.#cursors.keys()]) this.leave(id);
    this.#statements.clear();
    this.#db.close();
  }

  #part(id: number, cursor: Cursor, most: Most): Rows {
    try {
      const { rows, next } = take(cursor.rows, most, cursor.next);
      cursor.next = next;
      const columns = columnsOf(cursor.prepared.statement);
      if (next === undefined) this.leave(id);
      return { columns, rows, ...(next !== undefined && { cursor: id }) };
    } catch (error) {
      this.leave(id);
      throw error;
    }
  }

  /** A change that returns rows is whole, or not at all. */
  #returning({ statement }: Prepared, values: readonly SqlValue[], most: Most, mode: Mode): Rows {
    const within = this.#db.isTransaction;
    const guarded = (sql: string) => this.#ownWork(() => this.#db.exec(sql), mode);
    guarded(within ? 'savepoint plinth_returning' : 'begin immediate');
    try {
      const rows = whole(statement, values, { ...most, rows: most.bytes });
      guarded(within ? 'release plinth_returning' : 'commit');
      return rows;
    } catch (error) {
      if (this.#db.isTransaction)
        guarded(within ? 'rollback to plinth_returning; release plinth_returning' : 'rollback');
      throw error;
    }
  }

  /** Does the kernel's own work within a statement. */
  #ownWork(work: () => void, mode: Mode): void {
    this.#guard.mode = 'own';
    try {
      work();
    } finally {
      this.#guard.mode = mode;
    }
  }

  #guarded<T>(mode: Mode, work: () => T): T {
    const guard = this.#guard;
    guard.begin(mode);
    try {
      return work();
    } catch (error) {
      if (guard.denied === undefined) throw error;
      throw new Refused('denied', `the statement may not: ${guard.denied}`);
    } finally {
      guard.mode = 'own';
    }
  }
}

/** Runs a statement without rows. */
function changed({ statement, inserts }: Prepared, values: readonly SqlValue[]): Rows {
  const { changes, lastInsertRowid } = statement.run(...values);
  return {
    columns: [],
    rows: [],
    changes: Number(changes),
    ...(inserts && { insertId: fromOutput(lastInsertRowid) as number | bigint }),
  };
}
