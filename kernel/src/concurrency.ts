/** Tasks one after the other, a limited number at a time, or for each item; and what is awaited. */

/** An outcome that is awaited before it is known. */
export interface Outcome<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Makes one. A rejection that nothing awaits is no unhandled one. */
export function outcome<T = void>(): Outcome<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((settle, fail) => {
    [resolve, reject] = [settle, fail];
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Runs tasks one after the other, in the order of their arrival. */
export class Queue {
  #last: Promise<unknown> | undefined;

  /** Whether a task runs or waits. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** Runs a task after the earlier ones, whether they succeed or fail. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = (this.#last ?? Promise.resolve()).then(task, task);
    this.#last = done;
    const forget = () => {
      if (this.#last === done) this.#last = undefined;
    };
    done.then(forget, forget);
    return done;
  }

  /** Settles when no task runs or waits. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last.catch(() => {});
  }
}

/** One {@link Queue} for each key. A key without tasks takes no memory. */
export class KeyedQueue {
  readonly #queues = new Map<string, Queue>();

  /** Runs a task after the earlier ones of the same key. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? new Queue();
    this.#queues.set(key, queue);
    const done = queue.run(task);
    const forget = () => {
      if (!queue.busy && this.#queues.get(key) === queue) this.#queues.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Whether a task of a key runs or waits. */
  busy(key: string): boolean {
    return this.#queues.get(key)?.busy === true;
  }

  /** Settles when no task of a key, or of any key, runs or waits. */
  async idle(key?: string): Promise<void> {
    if (key !== undefined) return this.#queues.get(key)?.idle();
    while (this.#queues.size > 0)
      await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
  }
}

/** Runs a limited number of tasks at a time, in the order of their arrival. */
export class Semaphore {
  #free: number;
  /** What begins those that wait, by their tickets. It is told whether they got a place. */
  readonly #waiting = new Map<object, (placed: boolean) => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @param ticket names the task for {@link admit} while it waits. */
  async run<T>(work: () => Promise<T>, ticket: object = {}): Promise<T> {
    let placed = this.#free > 0;
    if (placed) this.#free -= 1;
    else placed = await new Promise<boolean>((begin) => void this.#waiting.set(ticket, begin));
    try {
      return await work();
    } finally {
      if (placed) this.#next();
    }
  }

  /** Begins a waiting task now, beside the limit. Others wait for their places as before. */
  admit(ticket: object): void {
    const begin = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    begin?.(false);
  }

  #next(): void {
    const [waits] = this.#waiting;
    if (waits === undefined) {
      this.#free += 1;
      return;
    }
    const [ticket, begin] = waits;
    this.#waiting.delete(ticket);
    begin(true);
  }
}

/** Runs a task for each item, a limited number at a time. Settles when all of them have settled. */
export async function settleEach<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<unknown> | undefined,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const results: PromiseSettledResult<unknown>[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      [results[at]] = (await Promise.allSettled([attempt(() => work(items[at] as T))])) as [
        PromiseSettledResult<unknown>,
      ];
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, lane));
  return results;
}

/** A task's outcome. What it throws at once is a rejection, too. */
const attempt = async <T>(task: () => Promise<T> | undefined): Promise<T | undefined> => task();

/** Work whose result those share who ask for it while it is in progress. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
