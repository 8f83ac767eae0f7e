/**
 * The database worker. It does one piece of work at a time. A statement that takes too long is ended
 * by its clock; the host ends the worker when that doesn't help.
 */
import { Databases } from '../sqlite/databases.js';
import { failureOf } from '../sqlite/failure.js';
import type { Reply, Request } from '../sqlite/protocol.js';
import { BrowserDriver } from './driver.js';
import type { FromWorker, ToWorker } from './messages.js';
import { loadSqlite, type SqliteModule } from './sqlite-module.js';
import { Turns } from './turns.js';

interface Scope {
  postMessage(message: FromWorker): void;
  close(): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}
const scope = globalThis as unknown as Scope;

/** Owns what the worker has. */
class DatabaseWorker {
  readonly #sqlite: SqliteModule;
  readonly #memory: number;
  readonly #driver: BrowserDriver;
  readonly #databases: Databases;
  readonly #turns: Turns;
  /** The database that is worked on. */
  #busy: string | undefined;

  /** @param memory bytes. */
  constructor(sqlite: SqliteModule, memory: number) {
    this.#sqlite = sqlite;
    this.#memory = memory;
    this.#driver = new BrowserDriver(sqlite, memory, (path) => this.#turns.end(path));
    this.#databases = new Databases(this.#driver);
    this.#turns = new Turns((path) => this.#give(path));
  }

  async do(request: Request): Promise<Reply> {
    const { path, work, time, id } = request;
    this.#driver.until = performance.now() + time;
    this.#busy = path;
    try {
      if (work.op !== 'close') {
        await this.#turns.take(path);
        await this.#driver.enter(path);
      }
      return { id, value: await this.#databases.do(request) };
    } catch (error) {
      if (isBroken(error)) return abandon();
      return { id, failure: failureOf(error) };
    } finally {
      this.#busy = undefined;
      this.#turns.giveAway();
    }
  }

  /** Whether it should begin again, to give back memory. */
  get full(): boolean {
    return this.#databases.idle && this.#sqlite.wasm.heap8u().byteLength > this.#memory / 2;
  }

  end(): void {
    this.#databases.end();
  }

  #give(path: string): boolean {
    if (this.#busy === path || !this.#databases.idleAt(path)) return false;
    this.#databases.close(path);
    return true;
  }
}

/** Whether SQLite was left in the middle of a step, so that nothing of its memory is certain. */
const isBroken = (error: unknown): boolean =>
  error instanceof WebAssembly.RuntimeError ||
  error instanceof RangeError ||
  (error as Error | undefined)?.name === 'InternalError';

/** Ends the worker as a crash would. The files are as they are, and the next one goes on. */
function abandon(): Promise<never> {
  scope.close();
  return new Promise(() => {});
}

async function start(memory: number): Promise<void> {
  let worker: DatabaseWorker;
  try {
    worker = new DatabaseWorker(await loadSqlite(), memory);
  } catch (error) {
    scope.postMessage({ failed: String((error as Error | undefined)?.message ?? error) });
    return;
  }
  scope.onmessage = async ({ data }) => {
    if (data !== 'end') {
      const reply = await worker.do(data as Request);
      if (!worker.full) return scope.postMessage(reply);
      worker.end();
      scope.postMessage({ ...reply, last: true });
    } else worker.end();
    scope.close();
  };
  scope.postMessage('ready');
}

// The lock is free when this worker is gone, which browsers tell in no other way.
scope.onmessage = ({ data }) => {
  scope.onmessage = null;
  const { memory, alive } = data as { readonly memory: number; readonly alive: string };
  void navigator.locks.request(alive, () => {
    void start(memory);
    return new Promise<never>(() => {});
  });
};
