/** One database: the connections that are free, and those of transactions and streams. */
import { type Applied, REGISTRY, type State, type Step } from '../backend/work.js';
import { Connection } from './connection.js';
import type { Driver, SqliteDatabase } from './driver.js';
import { Refused } from './failure.js';
import { PAGE, type Place } from './protocol.js';

/** Connections that are kept open for the next statement. */
const FREE = 2;

/** Owns the connections to one database. */
export class Database {
  readonly #driver: Driver;
  readonly #place: Place;
  readonly #free: Connection[] = [];
  readonly #leased = new Map<number, Connection>();

  constructor(driver: Driver, place: Place) {
    this.#driver = driver;
    this.#place = place;
  }

  /** Whether nothing of it is in use, so that it can be closed. */
  get idle(): boolean {
    return this.#leased.size === 0;
  }

  /** Does work with a connection that nothing else uses. */
  alone<T>(work: (connection: Connection) => T): T {
    const connection = this.#take();
    try {
      return work(connection);
    } finally {
      this.#give(connection);
    }
  }

  /** @throws Refused `gone`. */
  leased(lease: number): Connection {
    const connection = this.#leased.get(lease);
    if (connection === undefined) throw new Refused('gone', 'the transaction is over');
    // `or rollback` and `raise(rollback)` end it. What came after would be kept, one by one.
    if (!connection.inTransaction)
      throw new Refused('gone', 'a statement has rolled the transaction back');
    return connection;
  }

  begin(lease: number, access: 'read' | 'write'): void {
    const connection = this.#take();
    try {
      if (access === 'write') connection.checkLog();
      // A transaction that may write takes its turn now: later it could only fail.
      connection.own(access === 'write' ? 'begin immediate' : 'pragma query_only=1; begin');
      this.#leased.set(lease, connection);
    } catch (error) {
      this.#give(connection);
      throw error;
    }
  }

  /** Ends a transaction or a stream. Ending it again changes nothing. */
  end(lease: number, commit: boolean): void {
    const connection = this.#leased.get(lease);
    if (connection === undefined) {
      if (commit) throw new Refused('gone', 'the transaction is over');
      return;
    }
    try {
      connection.end(commit);
    } catch (error) {
      // A commit that is refused leaves the transaction open.
      if (connection.inTransaction) connection.end(false);
      throw error;
    } finally {
      this.#leased.delete(lease);
      connection.own('pragma query_only=0');
      this.#give(connection);
    }
  }

  state(): State {
    return this.alone((connection) => ({
      applied: appliedIn(connection),
      tables: connection.ownRows('select 1 from sqlite_schema limit 1').length > 0,
    }));
  }

  /**
   * Runs migrations: all, or none. Answers false when others have run some meanwhile.
   *
   * @throws Refused that names the migration.
   */
  migrate(expected: readonly string[], steps: readonly Step[]): boolean {
    return this.alone((connection) => {
      // A table can be replaced by another one only while its keys aren't watched.
      connection.own('pragma foreign_keys=off; begin immediate');
      try {
        const applied = appliedIn(connection).map(({ name }) => name);
        const same = applied.length === expected.length;
        if (!same || applied.some((name, at) => name !== expected[at])) return false;
        for (const step of steps) runStep(connection, step);
        checkKeys(connection, steps);
        connection.own('commit');
        return true;
      } finally {
        if (connection.inTransaction) connection.own('rollback');
        connection.own('pragma foreign_keys=on');
      }
    });
  }

  /** Writes a copy of one moment into a new file. */
  async copy(to: string): Promise<void> {
    const connection = this.#take();
    try {
      await this.#driver.copy(connection.database, to);
    } finally {
      this.#give(connection);
    }
  }

  /**
   * Takes the content of a file in place of its own, as one transaction.
   *
   * @throws Refused `damaged`, `quota`.
   */
  async restore(from: string, check: boolean): Promise<void> {
    this.close();
    await this.#driver.read(from, async (source) => {
      if (check) checkFile(source, this.#place);
      await this.#driver.overwrite(source, this.#place.path);
    });
  }

  /** Rolls back what is open. */
  close(): void {
    for (const connection of [...this.#leased.values(), ...this.#free.splice(0)])
      connection.close();
    this.#leased.clear();
  }

  #take(): Connection {
    return this.#free.pop() ?? new Connection(this.#driver, this.#place);
  }

  #give(connection: Connection): void {
    // A connection that is in a transaction by mistake must not serve the next statement.
    if (connection.inTransaction || this.#free.length >= FREE) connection.close();
    else this.#free.push(connection);
  }
}

function runStep(connection: Connection, { name, sql, checksum, additive }: Step): void {
  try {
    connection.migration(sql);
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof Refused) throw new Refused(error.kind, message, name);
    throw Object.assign(error as Error, { migration: name });
  }
  // `raise(rollback)` and `or rollback` end the transaction.
  if (!connection.inTransaction) throw new Refused('failed', 'it ended the transaction', name);
  connection.own(`create table if not exists ${REGISTRY} (name text primary key, checksum text not null,
    additive integer not null, at text not null) strict`);
  connection.ownRows(
    `insert into ${REGISTRY} (name, checksum, additive, at) values (?, ?, ?, ?) returning name`,
    name,
    checksum,
    additive ? 1 : 0,
    new Date().toISOString(),
  );
}

function checkKeys(connection: Connection, steps: readonly Step[]): void {
  const [broken] = connection.ownRows('pragma foreign_key_check');
  if (broken !== undefined)
    throw new Refused(
      'constraint',
      `rows of '${String(broken.table)}' refer to rows of '${String(broken.parent)}' that don't exist`,
      steps.at(-1)?.name,
    );
}

function appliedIn(connection: Connection): readonly Applied[] {
  const there = connection.ownRows(
    "select 1 from sqlite_schema where type = 'table' and name = ?",
    REGISTRY,
  );
  if (there.length === 0) return [];
  return connection
    .ownRows(`select name, checksum, additive, at from ${REGISTRY} order by name`)
    .map(({ name, checksum, additive, at }) => ({
      name: String(name),
      checksum: String(checksum),
      additive: Number(additive) === 1,
      at: String(at),
    }));
}

/** @throws Refused `damaged`, `quota` for a file that can't be a plugin's database. */
function checkFile(source: SqliteDatabase, { pages }: Place): void {
  const first = (sql: string) => Object.values(source.prepare(sql).all()[0] ?? {})[0];
  const found = first('pragma quick_check(1)');
  if (found !== 'ok') throw new Refused('damaged', `the file is damaged: ${String(found)}`);
  if (first('pragma page_size') !== PAGE)
    throw new Refused('damaged', `the file has pages of another size than ${PAGE} bytes`);
  const size = Number(first('pragma page_count'));
  // SQLite takes a file without a byte for a database without tables. No backup is one.
  if (size === 0) throw new Refused('damaged', 'the file is empty');
  if (size > pages)
    throw new Refused(
      'quota',
      `the file has ${size * PAGE} bytes, and the quota is ${pages * PAGE}`,
    );
}
