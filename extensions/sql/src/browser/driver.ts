/** SQLite in WebAssembly, over files of the browser's private file system. */
import type { Driver } from '../sqlite/driver.js';
import { PAGE } from '../sqlite/protocol.js';
import { WasmDatabase, type WasmStatement } from './connection.js';
import { deleteFile, folderAt, openFile, splitPath } from './files.js';
import type { SqliteModule } from './sqlite-module.js';
import { Files, installVfs } from './vfs.js';

/** The files of a database. */
const ENDS = ['', '-wal', '-journal'];
/** Where a file says which kind of log it has, and the value for one without a log beside it. */
const KIND = { at: 18, value: new Uint8Array([1, 1]) };

/** Owns SQLite and the files that it has open. */
export class BrowserDriver implements Driver {
  readonly #sqlite: SqliteModule;
  readonly #memory: number;
  readonly #left: (path: string) => void;
  readonly #files = new Files();
  readonly #open = new Set<string>();
  /** When the work in progress has had its time, by the clock of the worker. */
  until = Number.POSITIVE_INFINITY;

  /**
   * @param memory bytes that all databases may take.
   * @param left hears that the files of a database are closed.
   */
  constructor(sqlite: SqliteModule, memory: number, left: (path: string) => void) {
    this.#sqlite = sqlite;
    this.#memory = memory;
    this.#left = left;
    installVfs(sqlite, this.#files);
  }

  /** Opens the files of a database. {@link open} and all else on it come after this. */
  async enter(path: string): Promise<void> {
    if (this.#open.has(path)) return;
    try {
      for (const end of ENDS) this.#files.add(path + end, await openFile(path + end, true));
    } catch (error) {
      this.#closeFiles(path);
      throw error;
    }
    this.#open.add(path);
  }

  open(path: string): WasmDatabase {
    const db = this.#database(path, 'write');
    // Pages and cache are what SQLite has elsewhere. All databases share one memory: caches of the
    // others make room before a statement fails.
    db.exec(`pragma page_size=${PAGE}; pragma cache_size=-2000;
      pragma hard_heap_limit=${this.#memory}; pragma soft_heap_limit=${Math.floor(this.#memory / 2)}`);
    return db;
  }

  free(statement: WasmStatement): void {
    statement.database.free(statement);
  }

  logSize(path: string): number {
    return this.#files.size(`${path}-wal`);
  }

  async remove(path: string): Promise<void> {
    this.#open.delete(path);
    this.#closeFiles(path);
    // The database first: a log without one means nothing.
    for (const end of ENDS) await deleteFile(path + end);
    const { folders } = splitPath(path);
    const above = await folderAt(folders.slice(0, -1), false);
    // It stays while there is something else in it.
    await above?.removeEntry(folders.at(-1) as string).catch(() => {});
  }

  leave(path: string): void {
    this.#open.delete(path);
    this.#closeFiles(path);
    this.#left(path);
  }

  async copy(from: WasmDatabase, to: string): Promise<void> {
    const file = await openFile(to, true);
    this.#files.add(to, file);
    try {
      file.truncate(0);
      const copy = this.#database(to, 'write');
      try {
        // A copy that is cut off is of no use to anything.
        copy.exec('pragma journal_mode=memory');
        this.#transfer(from, copy);
      } finally {
        copy.close();
      }
      file.write(KIND.value, KIND);
      file.flush();
    } finally {
      this.#files.close(to);
    }
  }

  async read(path: string, work: (copy: WasmDatabase) => Promise<void>): Promise<void> {
    this.#files.add(path, await openFile(path, false));
    try {
      const copy = this.#database(path, 'read');
      try {
        await work(copy);
      } finally {
        copy.close();
      }
    } finally {
      this.#files.close(path);
    }
  }

  async overwrite(from: WasmDatabase, path: string): Promise<void> {
    const to = this.open(path);
    try {
      this.#transfer(from, to);
    } finally {
      to.close();
    }
  }

  /** Copies all pages at once, so that they are of one moment. */
  #transfer(from: WasmDatabase, to: WasmDatabase): void {
    const { capi } = this.#sqlite;
    const backup = capi.sqlite3_backup_init(to.pointer, 'main', from.pointer, 'main');
    if (backup === 0) to.check(1);
    capi.sqlite3_backup_step(backup, -1);
    to.check(capi.sqlite3_backup_finish(backup));
  }

  #database(path: string, access: 'read' | 'write'): WasmDatabase {
    return new WasmDatabase(this.#sqlite, path, access, () => performance.now() > this.until);
  }

  #closeFiles(path: string): void {
    for (const end of ENDS) this.#files.close(path + end);
  }
}
