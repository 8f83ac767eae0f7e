/**
 * The compiler, in a worker: a short text can keep it busy for hours, and the page goes on
 * meanwhile. The worker starts with the first text, and ends when the editor is closed.
 */
import type { Compiled, Said } from './compiler-worker.ts';
import { type Problem, Problems } from './problem.ts';

/** Milliseconds for one text, once the worker is loaded. */
const DEADLINE = 2_000;
/** Milliseconds for the file of the worker. */
const LOADED_WITHIN = 30_000;
const TOO_LONG = 'it takes too long to compile: simplify what is nested in each other';

/** Compiles one text at a time. */
class Compiler {
  #worker: Promise<Worker> | undefined;
  #editors = 0;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** The last text that was to be checked. */
  #checked: string | undefined;

  /** Keeps the worker until the editor is closed. */
  readonly open = (): (() => void) => {
    this.#editors += 1;
    return () => {
      this.#editors -= 1;
      this.#endUnused();
    };
  };

  /** @throws Problems. */
  async compile(source: string): Promise<string> {
    const compiled = await this.#inTurn(() => this.#ask(source));
    if ('problems' in compiled) throw new Problems(compiled.problems);
    return compiled.code;
  }

  /** What is wrong with a text that is being written. Of those that wait the last one is checked. */
  async check(source: string): Promise<readonly Problem[]> {
    this.#checked = source;
    const compiled = await this.#inTurn(async () =>
      this.#checked === source ? this.#ask(source) : { problems: [] },
    );
    return 'problems' in compiled ? compiled.problems : [];
  }

  async #inTurn<T>(job: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#turn.then(job);
    this.#turn = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#waiting -= 1;
      this.#endUnused();
    }
  }

  async #ask(source: string): Promise<Compiled> {
    try {
      this.#worker ??= started();
      return await answerOf(await this.#worker, source);
    } catch (error) {
      // The next text gets another worker.
      this.#end();
      const { message } = error as Error;
      return { problems: [{ file: 'plugin.ts', severity: 'error', message }] };
    }
  }

  #endUnused(): void {
    if (this.#editors === 0 && this.#waiting === 0) this.#end();
  }

  #end(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.then(
      (one) => one.terminate(),
      () => {},
    );
  }
}

/** The one of the page. */
export const compiler = new Compiler();

/** A worker that is loaded. */
function started(): Promise<Worker> {
  const worker = new Worker(new URL('./compiler-worker.ts', import.meta.url), {
    type: 'module',
    name: 'compiler',
  });
  return new Promise((resolve, reject) => {
    const failed = () => {
      clearTimeout(timer);
      worker.terminate();
      reject(new Error("the compiler can't be loaded"));
    };
    const timer = setTimeout(failed, LOADED_WITHIN);
    const loaded = () => {
      clearTimeout(timer);
      resolve(worker);
    };
    worker.addEventListener('message', loaded, { once: true });
    worker.addEventListener('error', failed, { once: true });
  });
}

/** What the worker answers. Rejects at the deadline: the worker is of no use then. */
function answerOf(worker: Worker, source: string): Promise<Compiled> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const { signal } = listening;
    const end = () => {
      clearTimeout(timer);
      listening.abort();
    };
    const late = () => {
      end();
      reject(new Error(TOO_LONG));
    };
    // A page that was held has the answer, perhaps, and takes it before this.
    let timer = setTimeout(() => {
      timer = setTimeout(late);
    }, DEADLINE);
    worker.addEventListener(
      'message',
      ({ data }: MessageEvent<Said>) => {
        end();
        if (data !== 'ready') resolve(data);
      },
      { signal },
    );
    worker.addEventListener(
      'error',
      () => {
        end();
        reject(new Error('the compiler has ended without an answer'));
      },
      { signal },
    );
    worker.postMessage(source);
  });
}
