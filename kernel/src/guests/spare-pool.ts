/** Guests that have started before anybody needs them: activation then costs no spawn. */

/** Something that waits to be used. */
export interface Spare {
  /** Settles when it has ended by itself. */
  readonly exited: Promise<unknown>;
  terminate(): Promise<void>;
}

/** Owns spares of several kinds until they are taken. They know nothing of any plugin. */
export class SparePool<T extends Spare> {
  readonly #size: number;
  readonly #start: (kind: number) => Promise<T>;
  readonly #ready = new Map<number, T[]>();
  readonly #starting = new Map<number, Set<Promise<void>>>();
  readonly #due = new Set<number>();
  #timer: number | undefined;
  #closed = false;

  /**
   * @param size spares of each kind.
   * @param start starts one; may reject, then there is one less.
   */
  constructor(size: number, start: (kind: number) => Promise<T>) {
    this.#size = size;
    this.#start = start;
  }

  /** Takes a spare that is ready, and has another started; undefined when none is. */
  take(kind: number): T | undefined {
    if (this.#size === 0) return undefined;
    const spare = this.#ready.get(kind)?.pop();
    this.#fillSoon(kind);
    return spare;
  }

  /** Starts what is missing of a kind. */
  fill(kind: number): void {
    const ready = this.#ready.get(kind) ?? [];
    this.#ready.set(kind, ready);
    const starting = this.#starting.get(kind) ?? new Set();
    this.#starting.set(kind, starting);
    for (let count = ready.length + starting.size; count < this.#size && !this.#closed; count++) {
      const one = this.#startOne(kind, ready).finally(() => starting.delete(one));
      starting.add(one);
    }
  }

  /** Ends every spare, those that are still starting included. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#starting.values()].flatMap((starting) => [...starting]));
    const all = [...this.#ready.values()].flat();
    this.#ready.clear();
    await Promise.all(all.map((spare) => spare.terminate()));
  }

  // Not at once: whoever took a spare is about to use the processor.
  #fillSoon(kind: number): void {
    this.#due.add(kind);
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const due of this.#due) this.fill(due);
      this.#due.clear();
    }, REFILL);
  }

  async #startOne(kind: number, ready: T[]): Promise<void> {
    let spare: T;
    try {
      spare = await this.#start(kind);
    } catch {
      // The next plugin starts a guest of its own, and hears why that fails.
      return;
    }
    ready.push(spare);
    void spare.exited.then(() => {
      const at = ready.indexOf(spare);
      if (at !== -1) ready.splice(at, 1);
    });
  }
}

/** Milliseconds between taking a spare and starting the next. */
const REFILL = 20;
