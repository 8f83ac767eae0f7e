/** One SQLite file, which any number of processes of one machine may have open. */
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Answer, Answers, SqliteFile, Statement } from './sqlite-protocol.js';

/** Milliseconds that a statement waits for other processes that write. */
const LOCK = 5_000;
/** Bytes that the log of changes is cut to when it is written back. */
const LOG = 8_388_608;
/** Codes of SQLite for a file that others hold. */
const BUSY: ReadonlySet<unknown> = new Set([5, 6, 15]);

/** Owns the connection. */
export class OpenFile {
  readonly #file: SqliteFile;
  readonly #statements = new Map<string, StatementSync>();
  #database: DatabaseSync | undefined;
  /** The file itself, whatever its path names later. */
  #identity = '';

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  /**
   * Runs statements in one transaction, so that all share one write to the disk. When one fails, all
   * are rolled back, and each is run alone, so that one costs no other.
   */
  run(statements: readonly Statement[]): Answers {
    let lost = false;
    try {
      lost = this.#open();
    } catch (error) {
      this.close();
      const failed = answerOf(error);
      return { answers: statements.map(() => failed), lost };
    }
    if (statements.length > 1) {
      const answers = this.#together(statements);
      if (answers !== undefined) return { answers, lost };
    }
    return { answers: statements.map((one) => this.#alone(one)), lost };
  }

  /** Closes the file. It is opened again by the next statement. */
  close(): void {
    const database = this.#database;
    this.#database = undefined;
    this.#statements.clear();
    database?.close();
  }

  /** Undefined: at least one can't be done. */
  #together(statements: readonly Statement[]): readonly Answer[] | undefined {
    const database = this.#database as DatabaseSync;
    try {
      // What only reads waits for no other process.
      const reads = statements.every(({ sql }) => sql.startsWith('select'));
      database.exec(reads ? 'begin' : 'begin immediate');
      const answers = statements.map((one) => this.#do(one));
      database.exec('commit');
      return answers;
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      // Each alone would wait again.
      const failed = answerOf(error);
      if ('code' in failed && BUSY.has(failed.code)) return statements.map(() => failed);
      return undefined;
    }
  }

  #alone(statement: Statement): Answer {
    try {
      return this.#do(statement);
    } catch (error) {
      return answerOf(error);
    }
  }

  #do({ sql, parameters }: Statement): Answer {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      prepared = (this.#database as DatabaseSync).prepare(sql.replaceAll('$', '?'));
      this.#statements.set(sql, prepared);
    }
    return { rows: prepared.all(...parameters) };
  }

  /** Opens the file. Answers whether another one was open. */
  #open(): boolean {
    const { path, tables } = this.#file;
    // While it is open, no other file can have its identity.
    const lost = this.#identity !== '' && identityOf(path) !== this.#identity;
    if (this.#database !== undefined && !lost) return false;
    this.close();
    makeFile(path);
    const database = new DatabaseSync(path, { allowExtension: false, timeout: LOCK });
    this.#database = database;
    // `full`: a commit is on the disk when it is answered.
    waiting(() =>
      database.exec(
        `pragma journal_mode=wal; pragma synchronous=full; pragma journal_size_limit=${LOG}`,
      ),
    );
    database.exec('begin immediate');
    for (const table of tables) database.exec(table);
    database.exec('commit');
    this.#identity = identityOf(path);
    return lost;
  }
}

/** Tries again while another process opens the file: SQLite doesn't wait for that itself. */
function waiting(work: () => void): void {
  const until = performance.now() + LOCK;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const failed = answerOf(error);
      if (!('code' in failed && BUSY.has(failed.code)) || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** Makes the file with its folder, for this user alone. SQLite gives the files beside it its rights. */
function makeFile(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (identityOf(path) !== '') return;
  closeSync(openSync(path, 'a', 0o600));
  syncFolder(folder);
}

/** Waits until the name of the file is on the disk, where the system can do that. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // The file system is responsible for its names.
  }
}

function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}

function answerOf(error: unknown): Answer {
  const { errcode, code, message } = error as {
    readonly errcode?: number;
    readonly code?: string;
    readonly message?: string;
  };
  return {
    message: String(message ?? error),
    code: errcode === undefined ? code : errcode & 0xff,
  };
}
