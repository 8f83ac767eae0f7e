/** The host's end of one database process. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DatabaseHost, Lost, Outcome, Reply, Request } from '../sqlite/protocol.js';
import { OUT_OF_MEMORY } from './out-of-memory.js';

/** Milliseconds that a new process has to be ready, and that its end may take. */
const READY = 10_000;
const END = 2_000;

/** Owns one process. It answers one question at a time. */
export class Child implements DatabaseHost {
  readonly #process: ChildProcess;
  readonly exited: Promise<void>;
  readonly #ready: Promise<boolean>;
  #over = false;
  #full = false;
  #answer: ((outcome: Outcome) => void) | undefined;

  /** @param memory bytes. */
  constructor(memory: number) {
    const { SystemRoot } = process.env;
    const started = fork(
      fileURLToPath(new URL('./database-process.js', import.meta.url)),
      [String(memory)],
      {
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        execArgv: ['--disable-warning=ExperimentalWarning'],
        // Nothing of the application's environment is there for a fault of SQLite to find.
        env: SystemRoot === undefined ? {} : { SystemRoot },
      },
    );
    this.#process = started;
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes(OUT_OF_MEMORY)) this.#full = true;
    });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const late = setTimeout(() => this.kill(), READY);
    this.#ready = promise;
    this.exited = new Promise((gone) => {
      const end = () => {
        this.#over = true;
        clearTimeout(late);
        resolve(false);
        this.#answer?.({ lost: this.#full ? 'memory' : 'crashed' });
        gone();
      };
      // `close`: what it wrote has arrived.
      started.once('close', end);
      started.once('error', end);
    });
    started.on('message', (message: Reply | 'ready') => {
      if (message !== 'ready') return this.#answer?.(message);
      clearTimeout(late);
      resolve(true);
    });
    this.#hold(false);
  }

  get over(): boolean {
    return this.#over;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether it has started. */
  ready(): Promise<boolean> {
    this.#hold(true);
    return this.#ready.finally(() => this.#hold(false));
  }

  /** Asks, and ends the process when the answer takes longer, or when the signal says so. */
  async ask(request: Request, signal?: AbortSignal): Promise<Outcome> {
    this.#hold(true);
    let why: Lost | undefined;
    const stop = (reason: Lost) => {
      why ??= reason;
      this.kill();
    };
    const timer = setTimeout(() => stop('timeout'), request.time);
    const aborted = () => stop('aborted');
    signal?.addEventListener('abort', aborted);
    try {
      const outcome = await new Promise<Outcome>((resolve) => {
        this.#answer = resolve;
        if (this.#over) resolve({ lost: 'crashed' });
        // An error here is followed by the end of the process.
        else this.#process.send(request, () => {});
        if (signal?.aborted) aborted();
      });
      if (!('lost' in outcome)) {
        if (outcome.last) await this.#gone();
        return outcome;
      }
      await this.exited;
      return { lost: why ?? (this.#full ? 'memory' : outcome.lost) };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      this.#answer = undefined;
      this.#hold(false);
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Lets it close its databases, for a bounded time. */
  async end(): Promise<void> {
    if (this.#over) return;
    this.#hold(true);
    this.#process.send('end', () => {});
    await this.#gone();
  }

  /** Waits for its end, for a bounded time. */
  async #gone(): Promise<void> {
    const late = setTimeout(() => this.kill(), END);
    await this.exited;
    clearTimeout(late);
  }

  /** While nothing is asked, the process doesn't keep the application running. */
  #hold(on: boolean): void {
    const act = on ? 'ref' : 'unref';
    this.#process[act]();
    this.#process.channel?.[act]();
    (this.#process.stderr as { ref?(): void; unref?(): void } | null)?.[act]?.();
  }
}
