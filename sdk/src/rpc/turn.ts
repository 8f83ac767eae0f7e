/**
 * Decides when a turn ends. Everything that has something to send in this turn registers here, and
 * one microtask sends it all, because a microtask per port would cost as much as its message.
 */

/** Something that collects output during a turn. */
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
  /** Frames of all links so far. Each sender that adds one counts it. */
  frames = 0;

  /**
   * Milliseconds of the monotonic clock, read once a turn: a reading costs a tenth of a whole call.
   */
  now(): number {
    if (!this.#fresh) {
      this.#time = performance.now();
      this.#fresh = true;
      this.#schedule();
    }
    return this.#time;
  }

  /** Requests a flush at the end of this turn. Call it once until the flush happens. */
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

  // Waits for the end of the turn, and one microtask more while messages still grow. This includes
  // callers that are a few promises deep, and costs a lone call nothing.
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
