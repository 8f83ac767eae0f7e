/**
 * When a turn ends. Everything that wants to leave in this turn registers here, and one microtask sends it all: a
 * microtask for each port would cost as much as its message.
 */

/** Something that collects during a turn. */
export interface Flushable {
  flush(): void;
}

/** Owns the flush microtask and the clock of one thread's links. */
export class Turn {
  #dirty: Flushable[] = [];
  #hopping = false;
  #seen = 0;
  #time = 0;
  #fresh = false;
  /** Frames of all links so far; whoever adds one counts it. */
  frames = 0;

  /** Milliseconds of the monotonic clock, read once a turn: a reading costs a tenth of a whole call. */
  now(): number {
    if (!this.#fresh) {
      this.#time = performance.now();
      this.#fresh = true;
      this.#schedule();
    }
    return this.#time;
  }

  /** Asks for a flush at the end of this turn. To be asked once until it comes. */
  add(flushable: Flushable): void {
    this.#dirty.push(flushable);
    this.#seen = this.frames;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#hopping) return;
    this.#hopping = true;
    queueMicrotask(this.#hop);
  }

  // Waits for the end of the turn, and one microtask more while messages still grow: this catches callers that are a
  // few promises deep and costs a lone call nothing.
  readonly #hop = (): void => {
    this.#fresh = false;
    if (this.frames !== this.#seen) {
      this.#seen = this.frames;
      queueMicrotask(this.#hop);
      return;
    }
    this.#hopping = false;
    const dirty = this.#dirty;
    if (dirty.length === 0) return;
    this.#dirty = [];
    for (const one of dirty) one.flush();
  };
}
