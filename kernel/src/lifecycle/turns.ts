/** One operation a plugin at a time. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs an operation when those before it on the same plugin are over. It must not wait for another plugin. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const done = before.then(work, work);
    this.#last.set(key, done);
    const forget = () => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Whether something is under way, or waits. */
  busy(key: string): boolean {
    return this.#last.has(key);
  }

  /** Settles when nothing of a plugin is under way. */
  async settled(key: string): Promise<void> {
    for (let last = this.#last.get(key); last !== undefined; last = this.#last.get(key)) await last.catch(() => {});
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.allSettled([...this.#last.values()]);
  }
}

/** So many pieces of work at a time, in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Runs work for each item, so many at a time; settles when all of it has. */
export async function settleEach<T>(items: readonly T[], atATime: number, work: (item: T) => Promise<unknown> | undefined): Promise<readonly PromiseSettledResult<unknown>[]> {
  const results: PromiseSettledResult<unknown>[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      [results[at]] = (await Promise.allSettled([work(items[at] as T)])) as [PromiseSettledResult<unknown>];
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, lane));
  return results;
}
