/** All databases that the process has open, and the work on them. */
import { Database } from './database.js';
import type { Driver } from './driver.js';
import { failureOf } from './failure.js';
import type { FileResults, FileWork, Reply, Request } from './protocol.js';

/** Databases that stay open although nothing uses them. */
const OPEN = 64;

/** Owns the databases of the process. */
export class Databases {
  readonly #driver: Driver;
  /** The one that was used last comes last. */
  readonly #open = new Map<string, Database>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Whether no transaction and no stream is open. */
  get idle(): boolean {
    return [...this.#open.values()].every((database) => database.idle);
  }

  /** Whether no transaction and no stream of one database is open. */
  idleAt(path: string): boolean {
    return this.#open.get(path)?.idle ?? true;
  }

  /** Does work, and answers what has come of it. */
  async answer(request: Request): Promise<Reply> {
    const { id } = request;
    try {
      return { id, value: await this.do(request) };
    } catch (error) {
      return { id, failure: failureOf(error) };
    }
  }

  /** Does work. @throws Refused, and what SQLite throws. */
  async do({ path, pages, work }: Request): Promise<FileResults[FileWork['op']]> {
    if (work.op === 'close' || work.op === 'clear') {
      this.#open.get(path)?.close();
      if (work.op === 'clear') await this.#driver.remove(path);
      this.close(path);
      return null;
    }
    const database = this.#open.get(path) ?? new Database(this.#driver, { path, pages });
    this.#open.delete(path);
    this.#open.set(path, database);
    if (this.#open.size > OPEN) this.#closeIdle();
    return perform(database, work);
  }

  /** Closes all. What is open is rolled back. */
  end(): void {
    for (const path of [...this.#open.keys()]) this.close(path);
  }

  /** Closes one. What is open is rolled back. */
  close(path: string): void {
    this.#open.get(path)?.close();
    this.#open.delete(path);
    this.#driver.leave(path);
  }

  #closeIdle(): void {
    for (const [path, database] of this.#open) {
      if (this.#open.size <= OPEN) return;
      if (database.idle) this.close(path);
    }
  }
}

/** Work for a database, except for its end. */
async function perform(
  database: Database,
  work: Exclude<FileWork, { readonly op: 'clear' | 'close' }>,
): Promise<FileResults[FileWork['op']]> {
  switch (work.op) {
    case 'run': {
      const { lease, stream } = work;
      if (lease === undefined) return database.alone((connection) => connection.run(work, 'plain'));
      const connection = database.leased(lease);
      return stream ? connection.stream(work, 'transaction') : connection.run(work, 'transaction');
    }
    case 'next':
      return database.leased(work.lease).next(work.cursor, work.most, 'transaction');
    case 'leave':
      database.leased(work.lease).leave(work.cursor);
      return null;
    case 'begin':
      database.begin(work.lease, work.access);
      return null;
    case 'end':
      database.end(work.lease, work.commit);
      return null;
    case 'state':
      return database.state();
    case 'migrate':
      return database.migrate(work.applied, work.steps);
    case 'copy':
      await database.copy(work.to);
      return null;
    case 'restore':
      await database.restore(work.from, work.check);
      return null;
  }
}
