/** The statements of one connection that are ready, the ones used last. */
import type { SqlValue } from '../contract.js';
import { parametersOf } from '../text/parameters.js';
import { statementsOf } from '../text/tokens.js';
import type { Driver, SqliteDatabase, SqliteStatement } from './driver.js';
import { Refused } from './failure.js';
import { checkRename, type Guard, type Mode } from './guard.js';
import { toInput } from './rows.js';

/** A statement that is ready, and what it does. */
export interface Prepared {
  readonly statement: SqliteStatement;
  /** Whether it has columns. Their names are asked for after each run: a table may have changed. */
  readonly returns: boolean;
  readonly writes: boolean;
  readonly inserts: boolean;
  /** How many it takes. */
  readonly parameters: number;
  /** Whether it stays for the next run. */
  readonly kept: boolean;
}

/** Statements that a connection keeps, and the characters of one. */
const KEPT = 64;
const KEPT_LENGTH = 16_384;

/** Owns the statements of a connection. */
export class Statements {
  readonly #driver: Driver;
  readonly #db: SqliteDatabase;
  readonly #guard: Guard;
  readonly #kept = new Map<string, Prepared>();

  constructor(driver: Driver, db: SqliteDatabase, guard: Guard) {
    this.#driver = driver;
    this.#db = db;
    this.#guard = guard;
  }

  /** The statement, which may have run before. {@link done} follows. @throws Refused `invalid`. */
  get(sql: string, mode: Mode): Prepared {
    // What a transaction may do, a statement alone may not.
    const key = `${mode} ${sql}`;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const prepared = this.fresh(sql, sql.length <= KEPT_LENGTH);
    if (!prepared.kept) return prepared;
    this.#kept.set(key, prepared);
    if (this.#kept.size > KEPT)
      for (const [oldest, { statement }] of this.#kept) {
        this.#kept.delete(oldest);
        this.#driver.free(statement);
        break;
      }
    return prepared;
  }

  /** A statement of its own. {@link done} follows. @throws Refused `invalid`. */
  fresh(sql: string, kept = false): Prepared {
    // SQLite would leave out what follows the first.
    const [first, ...others] = statementsOf(sql);
    if (first === undefined || others.length > 0)
      throw new Refused(
        'invalid',
        `a query is one statement, and this one has ${first === undefined ? 0 : 1 + others.length}`,
      );
    checkRename(first);
    const parameters = parametersOf(first);
    if (parameters === undefined)
      throw new Refused('invalid', 'parameters have no names: write ? for each, in order');
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const returns = statement.columns().length > 0;
    const { writes, inserts } = this.#guard;
    return { statement, returns, writes, inserts, parameters, kept };
  }

  /** The statement has run to its end. */
  done({ statement, kept }: Prepared): void {
    if (!kept) this.#driver.free(statement);
  }

  /** The rows of one of the kernel's own statements, as objects. */
  all(sql: string, parameters: readonly SqlValue[] = []): Record<string, unknown>[] {
    const statement = this.#db.prepare(sql);
    try {
      return statement.all(...parameters) as Record<string, unknown>[];
    } finally {
      this.#driver.free(statement);
    }
  }

  clear(): void {
    for (const { statement } of this.#kept.values()) this.#driver.free(statement);
    this.#kept.clear();
  }
}

/** @throws Refused `invalid` for more or fewer than the statement takes. */
export function inputs({ parameters: takes }: Prepared, values: readonly SqlValue[]): SqlValue[] {
  if (values.length === takes) return values.map(toInput);
  throw new Refused('invalid', `the statement takes ${takes} parameters, and has ${values.length}`);
}
