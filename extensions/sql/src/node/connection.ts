/** One connection to a database: its statements, its open results, and what it may do. */
import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Most, Rows } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { parametersOf } from '../text/parameters.js';
import { statementsOf } from '../text/tokens.js';
import { Refused } from './failure.js';
import { Guard, type Mode } from './guard.js';
import { PAGE, type Place } from './protocol.js';
import { columnsOf, fromOutput, take, toInput, whole } from './rows.js';

/** A statement that is ready, and what it does. */
interface Prepared {
  readonly statement: StatementSync;
  /** Whether it has columns. Their names are asked for after each run: a table may have changed. */
  readonly returns: boolean;
  readonly writes: boolean;
  readonly inserts: boolean;
  /** How many it takes. */
  readonly parameters: number;
}

/** A result of which not all rows were sent. */
interface Cursor {
  readonly statement: StatementSync;
  readonly rows: Iterator<SqlValue[]>;
  /** A row that had no place in the part before. */
  next: SqlValue[] | undefined;
}

type Query = {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  readonly most: Most;
};

/** Statements that a connection keeps, and the characters of one. */
const KEPT = 64;
const KEPT_LENGTH = 16_384;
/** Results of a transaction that may be open at once. */
const MOST_CURSORS = 4;
/** Bytes of a text, a blob or a row. */
const MOST_VALUE = 16_777_216;
/** Bytes that the log of changes keeps when it is empty. */
const LOG = 8_388_608;

/** Owns a connection. Statements of plugins run only by {@link run}. */
export class Connection {
  readonly #db: DatabaseSync;
  readonly #guard = new Guard();
  readonly #prepared = new Map<string, Prepared>();
  readonly #cursors = new Map<number, Cursor>();
  readonly #log: string;
  /** Bytes of the log of changes with which nothing more is written. */
  readonly #mostLog: number;
  #lastCursor = 0;

  constructor({ path, pages }: Place) {
    this.#log = `${path}-wal`;
    this.#mostLog = pages * PAGE + LOG;
    this.#db = new DatabaseSync(path, {
      allowExtension: false,
      defensive: true,
      enableDoubleQuotedStringLiterals: false,
      // A wait would hold the statements of all. The host waits instead.
      timeout: 0,
      limits: { length: MOST_VALUE, attach: 0, compoundSelect: 500, exprDepth: 500 },
    });
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
  get database(): DatabaseSync {
    return this.#db;
  }

  /** Runs the kernel's own statements. */
  own(sql: string): void {
    this.#guard.begin('own');
    this.#db.exec(sql);
  }

  /** The rows of one of the kernel's own statements. */
  ownRows(sql: string, ...parameters: readonly SQLInputValue[]): Record<string, unknown>[] {
    this.#guard.begin('own');
    return this.#db.prepare(sql).all(...parameters) as Record<string, unknown>[];
  }

  /**
   * Comes before each transaction and each statement that writes. The log of changes only grows
   * while transactions read, and readers that take turns would fill the disk with it.
   *
   * @throws Refused `log`.
   */
  checkLog(): void {
    const size = () => statSync(this.#log, { throwIfNoEntry: false })?.size ?? 0;
    if (size() <= this.#mostLog) return;
    this.#db.prepare('pragma wal_checkpoint(truncate)').all();
    const left = size();
    if (left > this.#mostLog)
      throw new Refused(
        'log',
        `transactions or streams that read hold ${left} bytes of changes: end them, then write again`,
      );
  }

  /** Runs the statements of a migration. @throws Refused `denied`. */
  migration(sql: string): void {
    this.#guarded('migration', () => this.#db.exec(sql));
  }

  /** Runs a statement of a plugin to its end. Its changes are undone when the result is too large. */
  run({ sql, parameters, most }: Query, mode: 'plain' | 'transaction'): Rows {
    return this.#guarded(mode, () => {
      const prepared = this.#prepare(sql, mode);
      const { statement, returns, writes, inserts } = prepared;
      const values = inputs(prepared, parameters);
      if (writes && mode === 'plain') this.#ownWork(() => this.checkLog(), mode);
      if (!returns) {
        const { changes, lastInsertRowid } = statement.run(...values);
        return {
          columns: [],
          rows: [],
          changes: Number(changes),
          ...(inserts && { insertId: fromOutput(lastInsertRowid) as number | bigint }),
        };
      }
      return writes
        ? this.#returning(prepared, values, most, mode)
        : whole(statement, values, most);
    });
  }

  /** Starts a statement that reads, and answers its first rows. */
  stream({ sql, parameters, most }: Query, mode: 'plain' | 'transaction'): Rows {
    if (this.#cursors.size >= MOST_CURSORS)
      throw new Refused('invalid', `a transaction has at most ${MOST_CURSORS} open streams`);
    return this.#guarded(mode, () => {
      const fresh = this.#fresh(sql);
      const { statement, returns, writes } = fresh;
      if (writes || !returns)
        throw new Refused('invalid', 'only statements that read can be streamed');
      const rows = statement.iterate(...inputs(fresh, parameters)) as unknown as Iterator<
        SqlValue[]
      >;
      const cursor: Cursor = { statement, rows, next: undefined };
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
    this.#cursors.get(id)?.rows.return?.();
    this.#cursors.delete(id);
  }

  /** Ends its open results and its transaction. */
  end(commit: boolean): void {
    for (const id of [...this.#cursors.keys()]) this.leave(id);
    if (this.#db.isTransaction) this.own(commit ? 'commit' : 'rollback');
    else if (commit) throw new Refused('failed', 'the transaction was rolled back by a statement');
  }

  close(): void {
    this.#prepared.clear();
    for (const id of [...this.#cursors.keys()]) this.leave(id);
    this.#db.close();
  }

  #part(id: number, cursor: Cursor, most: Most): Rows {
    try {
      const { rows, next } = take(cursor.rows, most, cursor.next);
      cursor.next = next;
      if (next === undefined) this.#cursors.delete(id);
      const columns = columnsOf(cursor.statement);
      return { columns, rows, ...(next !== undefined && { cursor: id }) };
    } catch (error) {
      this.leave(id);
      throw error;
    }
  }

  /** A change that returns rows is whole, or not at all. */
  #returning(
    { statement }: Prepared,
    values: readonly SQLInputValue[],
    most: Most,
    mode: Mode,
  ): Rows {
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

  #prepare(sql: string, mode: Mode): Prepared {
    // What a transaction may do, a statement alone may not.
    const key = `${mode} ${sql}`;
    const known = this.#prepared.get(key);
    if (known !== undefined) {
      this.#prepared.delete(key);
      this.#prepared.set(key, known);
      return known;
    }
    const prepared = this.#fresh(sql);
    if (sql.length > KEPT_LENGTH) return prepared;
    this.#prepared.set(key, prepared);
    if (this.#prepared.size > KEPT)
      for (const [oldest] of this.#prepared) {
        this.#prepared.delete(oldest);
        break;
      }
    return prepared;
  }

  #fresh(sql: string): Prepared {
    // SQLite would leave out what follows the first.
    const [first, ...others] = statementsOf(sql);
    if (first === undefined || others.length > 0)
      throw new Refused(
        'invalid',
        `a query is one statement, and this one has ${first === undefined ? 0 : 1 + others.length}`,
      );
    const parameters = parametersOf(first);
    if (parameters === undefined)
      throw new Refused('invalid', 'parameters have no names: write ? for each, in order');
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const returns = statement.columns().length > 0;
    const { writes, inserts } = this.#guard;
    return { statement, returns, writes, inserts, parameters };
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

/** @throws Refused `invalid` for more or fewer than the statement takes. */
function inputs({ parameters: takes }: Prepared, values: readonly SqlValue[]): SQLInputValue[] {
  if (values.length === takes) return values.map(toInput);
  throw new Refused('invalid', `the statement takes ${takes} parameters, and has ${values.length}`);
}
