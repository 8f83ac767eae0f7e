/** The work that waits for the database process, and what becomes of it when that ends. */
import { messageOf } from '@plinth/sdk/contract';
import { type Terms, WorkError } from '../backend/backend.js';
import type { DatabaseHost, FileResults, FileWork, Lost, Place } from './protocol.js';

interface Job extends Terms {
  readonly place: Place;
  readonly work: FileWork;
  tries: number;
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** Starts in a row that fail before work is refused. */
const STARTS = 3;
/** Milliseconds in which work of a tenant that stops may end by itself, and for closing. */
const GRACE = 200;
const CLOSE = 2_000;

/**
 * Owns the database process of a kernel. It has at most one piece of work, so that the end of the
 * process costs no other. Databases take turns.
 */
export class Engine {
  readonly #start: () => DatabaseHost;
  readonly #queues = new Map<string, Job[]>();
  readonly #onLost = new Set<() => void>();
  #child: DatabaseHost | undefined;
  /** The work in progress. */
  #current: Job | undefined;
  #working: Promise<void> | undefined;
  #lastId = 0;
  #stopped = false;
  #starts = 0;
  /** Why the last process has not started. */
  #problem: string | undefined;

  /** @param start starts a process. It throws where none can be started at all. */
  constructor(start: () => DatabaseHost) {
    this.#start = start;
  }

  /** How often a process was started. */
  get starts(): number {
    return this.#starts;
  }

  /** Calls the listener when a process has ended, and with it all open transactions. */
  onLost(listener: () => void): () => void {
    this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /** @throws Error when the last process has not started. */
  check(): void {
    if (this.#problem !== undefined) throw new Error(this.#problem);
  }

  /** @throws WorkError. */
  run<W extends FileWork>(place: Place, work: W, terms: Terms): Promise<FileResults[W['op']]> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new WorkError('stopped', 'the kernel has stopped'));
      const job: Job = { place, work, ...terms, tries: 0, resolve, reject };
      const queue = this.#queues.get(place.path);
      if (queue === undefined) this.#queues.set(place.path, [job]);
      else queue.push(job);
      this.#working ??= this.#workAll();
    });
  }

  /** Refuses what waits for a database, ends what is in progress on it, and closes it. */
  async release(place: Place): Promise<void> {
    this.#refuse(place.path);
    const { path } = place;
    const late = setTimeout(() => {
      if (this.#current?.place.path === path) this.#child?.kill();
    }, GRACE);
    // Work that was begun is ended by now, or ends the process.
    await this.run(place, { op: 'close' }, { time: CLOSE }).catch(() => {});
    clearTimeout(late);
  }

  /** Refuses what waits, and ends the process. */
  async close(): Promise<void> {
    this.#stopped = true;
    for (const path of [...this.#queues.keys()]) this.#refuse(path);
    await this.#child?.end();
    await this.#working;
  }

  #refuse(path: string): void {
    for (const { reject } of this.#queues.get(path) ?? [])
      reject(new WorkError('stopped', 'the kernel has stopped'));
    this.#queues.delete(path);
  }

  async #workAll(): Promise<void> {
    // Not before the next turn, so that the promise is there to be taken back.
    await undefined;
    for (let job = this.#next(); job !== undefined; job = this.#next())
      try {
        await this.#one(job);
      } catch (error) {
        // What can't be sent to the process, for one.
        job.reject(error);
      }
    // In the same step as the look that found nothing: what comes now starts another round.
    this.#working = undefined;
  }

  /** The next job of the database that has waited longest. */
  #next(): Job | undefined {
    for (const [path, queue] of this.#queues) {
      const job = queue.shift();
      this.#queues.delete(path);
      if (queue.length > 0) this.#queues.set(path, queue);
      if (job !== undefined) return job;
    }
    return undefined;
  }

  async #one(job: Job): Promise<void> {
    if (job.signal?.aborted)
      return job.reject(new WorkError('aborted', 'it was given up before it began'));
    // A process that has ended has nothing open.
    if (job.work.op === 'close' && this.#child?.over !== false) return job.resolve(null as never);
    const child = await this.#started();
    if (child === undefined)
      return job.reject(
        new WorkError(
          this.#stopped ? 'stopped' : 'unavailable',
          this.#stopped ? 'the kernel has stopped' : (this.#problem ?? NO_START),
        ),
      );
    const { place, work, time, signal } = job;
    this.#lastId += 1;
    this.#current = job;
    const asked = child.ask({ id: this.#lastId, time, ...place, work }, signal);
    const outcome = await asked.finally(() => {
      this.#current = undefined;
    });
    if ('value' in outcome) return job.resolve(outcome.value as never);
    if ('failure' in outcome) {
      const { kind, message, ...facts } = outcome.failure;
      return job.reject(new WorkError(kind, message, facts));
    }
    if (outcome.lost === 'crashed' && job.safe && job.tries === 0 && !this.#stopped) {
      job.tries += 1;
      return this.#one(job);
    }
    job.reject(new WorkError(outcome.lost, LOST[outcome.lost]));
  }

  async #started(): Promise<DatabaseHost | undefined> {
    for (let attempt = 0; attempt < STARTS && !this.#stopped; attempt++) {
      if (this.#child?.over !== false) {
        this.#child = this.#begin();
        this.#starts += 1;
        // A process can end between two pieces of work, too.
        void this.#child.exited.then(() => {
          for (const listener of [...this.#onLost]) listener();
        });
      }
      const child = this.#child;
      if (await child.ready()) {
        this.#problem = undefined;
        return child;
      }
      await child.exited;
      this.#problem = child.failure ?? NO_START;
    }
    return undefined;
  }

  #begin(): DatabaseHost {
    try {
      return this.#start();
    } catch (error) {
      this.#problem = messageOf(error);
      throw error;
    }
  }
}

const NO_START = 'the database process does not start';

const LOST: Readonly<Record<Lost, string>> = {
  timeout: 'it took too long',
  memory: 'it took too much memory',
  crashed: 'the database process has ended',
  aborted: 'it was given up',
};
