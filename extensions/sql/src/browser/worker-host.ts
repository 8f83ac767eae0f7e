/** The host's end of one database worker. */
import { LONGEST_TIMER } from '@plinth/sdk/contract';
import type { DatabaseHost, Lost, Outcome, Request } from '../sqlite/protocol.js';
import type { FromWorker, Start } from './messages.js';

/** Milliseconds that a new worker has to be ready, and that its end may take. */
const READY = 30_000;
const END = 3_000;
/** Milliseconds in which a statement that has had its time is ended by the worker itself. */
const GRACE = 1_000;

/** Owns one worker. It answers one question at a time. */
export class WorkerHost implements DatabaseHost {
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #waiting = new AbortController();
  #over = false;
  /** Whether it may have databases open. */
  #works = false;
  #killed = false;
  #failure: string | undefined;
  #answer: ((outcome: Outcome) => void) | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  /** @param memory bytes. */
  constructor(memory: number) {
    // Bundlers find the file by this literal pattern.
    this.#worker = new Worker(new URL('./database-worker.js', import.meta.url), {
      type: 'module',
      name: 'plinth-sql',
    });
    this.#late = setTimeout(() => this.#fail(`it isn't ready after ${READY} ms`), READY);
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data === 'ready') {
        clearTimeout(this.#late);
        this.#works = true;
        this.#ready.resolve(true);
      } else if ('failed' in data) this.#fail(data.failed);
      else this.#answer?.(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      // A file that can't be loaded is an event without a message.
      this.#fail(event.message || 'its file could not be loaded');
    };
    const alive = `plinth.sql:${crypto.randomUUID()}`;
    this.#worker.postMessage({ memory, alive } satisfies Start);
    void this.#ready.promise.then((ready) => {
      // Not before: the worker takes the lock first.
      if (ready)
        navigator.locks
          .request(alive, { signal: this.#waiting.signal }, () => this.#end())
          .catch(() => {});
    });
  }

  get over(): boolean {
    return this.#over;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  async ask(request: Request, signal?: AbortSignal): Promise<Outcome> {
    let why: Lost | undefined;
    const stop = (reason: Lost) => {
      why ??= reason;
      this.kill();
    };
    const timer = setTimeout(() => stop('timeout'), Math.min(request.time + GRACE, LONGEST_TIMER));
    const aborted = () => stop('aborted');
    signal?.addEventListener('abort', aborted);
    try {
      const outcome = await new Promise<Outcome>((resolve) => {
        this.#answer = resolve;
        if (this.#over) resolve({ lost: 'crashed' });
        else this.#worker.postMessage(request);
        if (signal?.aborted) aborted();
      });
      if ('lost' in outcome) return { lost: why ?? outcome.lost };
      if (outcome.last) await this.#gone();
      return outcome;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      this.#answer = undefined;
    }
  }

  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    this.#worker.terminate();
    clearTimeout(this.#late);
    if (!this.#works) return this.#end();
    // The lock tells when it is gone.
    this.#late = setTimeout(() => this.#end(), END);
  }

  async end(): Promise<void> {
    if (this.#over) return;
    if (!this.#works) return this.kill();
    this.#worker.postMessage('end');
    await this.#gone();
  }

  /** Waits for its end, for a bounded time. */
  async #gone(): Promise<void> {
    const late = setTimeout(() => this.kill(), END);
    await this.exited;
    clearTimeout(late);
  }

  #fail(message: string): void {
    this.#failure ??= `the database worker does not start: ${message}. ${CURE}`;
    this.#worker.terminate();
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#late);
    this.#waiting.abort();
    this.#worker.terminate();
    this.#ready.resolve(false);
    this.#answer?.({ lost: 'crashed' });
    this.#exited.resolve();
  }
}

const CURE =
  "Serve 'database-worker.js' and 'sqlite3.wasm' of @plinth/sql beside the bundle, and let the policy of the worker's file allow 'wasm-unsafe-eval'";
