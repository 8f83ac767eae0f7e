/** A SQLite file as a place for documents of the kernel: the kernel's end of its thread. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createError, type PluginError } from '@plinth/sdk/contract';
import { type Client, Failure, type Parameter, type Row } from './client.js';
import type { Answer, Answers, SqliteFile, Statement } from './sqlite-protocol.js';

interface Waiting {
  readonly statement: Statement;
  resolve(rows: readonly Row[]): void;
  reject(error: unknown): void;
}

/** Statements that are sent at once: together they share one write to the disk. */
const TOGETHER = 256;

/** Owns the thread. It works on one list of statements at a time; what comes meanwhile is the next one. */
export class SqliteClient implements Client {
  readonly name: string;
  readonly #file: SqliteFile;
  readonly #listeners = new Set<(problem: PluginError) => void>();
  #thread: Worker | undefined;
  #waiting: Waiting[] = [];
  #working: readonly Waiting[] = [];
  #closed: Promise<void> | undefined;
  #sending = false;

  constructor(path: string, tables: readonly string[]) {
    this.name = resolve(path);
    this.#file = { path: this.name, tables };
  }

  run(sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]> {
    if (this.#closed !== undefined) return Promise.reject(new Failure('it was closed'));
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    this.#waiting.push({ statement: { sql, parameters }, resolve, reject });
    if (!this.#sending) {
      this.#sending = true;
      // At the end of the turn, so that what is asked in one turn goes together.
      queueMicrotask(() => {
        this.#sending = false;
        this.#send();
      });
    }
    return promise;
  }

  onLost(listener: (problem: PluginError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  #send(): void {
    if (this.#working.length > 0 || this.#waiting.length === 0) return;
    this.#working = this.#waiting.slice(0, TOGETHER);
    this.#waiting = this.#waiting.slice(TOGETHER);
    this.#thread ??= this.#start();
    // A process ends when it has nothing else to do than to keep a file open.
    this.#thread.ref();
    this.#thread.postMessage(this.#working.map(({ statement }) => statement));
  }

  #start(): Worker {
    const thread = new Worker(fileURLToPath(new URL('./sqlite-thread.js', import.meta.url)), {
      workerData: this.#file,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Nothing of the application's environment is needed.
      env: {},
    });
    thread.on('message', (answers: Answers) => this.#settle(answers));
    thread.on('error', (cause) => this.#lose(thread, cause));
    thread.on('exit', () => this.#lose(thread, undefined));
    return thread;
  }

  #settle({ answers, lost }: Answers): void {
    const done = this.#working;
    this.#working = [];
    this.#thread?.unref();
    if (lost) this.#tellLost();
    for (const [index, one] of done.entries()) {
      const answer = answers[index] as Answer;
      if ('rows' in answer) one.resolve(answer.rows);
      else one.reject(failureOf(answer.message, answer.code));
    }
    this.#send();
  }

  /** The thread has ended. The next statement starts another one. */
  #lose(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const done = this.#working;
    this.#working = [];
    const message = cause instanceof Error ? cause.message : 'it ended';
    for (const { reject } of done)
      reject(new Failure(`the thread of the file has failed: ${message}`, { cause }));
    this.#send();
  }

  #tellLost(): void {
    const problem = createError(
      'storage/failed',
      `${this.name} was deleted or replaced while it was in use: it was opened again, and what was in it before is gone`,
      { details: { database: this.name } },
    );
    for (const tell of this.#listeners) tell(problem);
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    for (const { reject } of this.#waiting.splice(0)) reject(new Failure('it was closed'));
    if (thread === undefined) return;
    const gone = once(thread, 'exit').catch(() => {});
    thread.ref();
    thread.postMessage('close');
    await gone;
  }
}

/** What a code of SQLite or of the system means, and its cure. */
const CURES: Readonly<Record<number | string, string>> = {
  5: 'another process writes to it for too long: look for one that is stopped while it writes',
  8: 'it is read-only: give this process the right to write to the file and its folder',
  10: 'the disk fails: check it, and copy the file to another one',
  11: 'the file is damaged: put a backup in its place',
  13: 'the disk is full: make room on it',
  14: 'the file or its folder can not be opened: correct the path or its rights',
  26: 'the file is no database of SQLite: choose another path',
  ENOSPC: 'the disk is full: make room on it',
  EACCES: 'this process has no right to: give its user the folder, or choose another one',
  EPERM: 'this process has no right to: give its user the folder, or choose another one',
  EROFS: 'the file system is read-only: mount it writable, or choose another folder',
  ENOTDIR: 'a part of the path is a file: choose another path',
  EEXIST: 'a file is in the place of its folder: choose another path',
};
/** Codes of failures that pass: others use the file, or a virus scanner holds it. */
const PASSING: ReadonlySet<unknown> = new Set([6, 14, 15, 'EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN']);

function failureOf(message: string, code: number | string | undefined): Failure {
  const cure = code === undefined ? undefined : CURES[code];
  return new Failure(cure === undefined ? message : `${cure} (${message})`, {
    reason: typeof code === 'number' ? `SQLITE_${code}` : code,
    passing: PASSING.has(code),
    locked: code === 5 || code === 6,
  });
}
