/** Guests that are started before any plugin needs them. Activation then costs no spawn. */

/** A spare that waits for its use. */
export interface Spare {
  /** Settles when it has ended by itself. */
  readonly exited: Promise<unknown>;
  terminate(): Promise<void>;
}

/** Owns spares of several kinds until they are taken. A spare knows nothing about any plugin. */
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
   * @param start starts one. When it rejects, there is one spare less.
   */
  constructor(size: number, start: (kind: number) => Promise<T>) {
    this.#size = size;
    this.#start = start;
  }

  /** Takes a spare that is ready and starts another. Undefined when none is ready. */
  take(kind: number): T | undefined {
    if (this.#size === 0) return undefined;
    const spare = this.#ready.get(kind)?.pop();
    this.#fillSoon(kind);
    return spare;
  }

  /** Starts the missing spares of a kind. */
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

  /** Ends every spare, including those that are still starting. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#starting.values()].flatMap((starting) => [...starting]));
    const all = [...this.#ready.values()].flat();
    this.#ready.clear();
    await Promise.all(all.map((spare) => spare.terminate()));
  }

  // Starts later, because the plugin that took a spare needs the processor now.
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
      // The next plugin starts its own guest, and gets the error if that fails.
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
