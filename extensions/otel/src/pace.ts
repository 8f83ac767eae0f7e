/** How often something is done in a second. */

/** One thing that is done at most so often. */
export interface Paced {
  left: number;
}

/** Owns the things that are done at most so often, and the timer that lets them go on. */
export class Pace {
  readonly #most: number;
  readonly #after: (milliseconds: number, task: () => void) => unknown;
  readonly #spent = new Set<Paced>();

  constructor(most: number, after: (milliseconds: number, task: () => void) => unknown) {
    this.#most = most;
    this.#after = after;
  }

  start(): Paced {
    return { left: this.#most };
  }

  /** Whether it is done once more. Without a call in the second, there is no timer. */
  take(paced: Paced): boolean {
    if (paced.left === 0) return false;
    paced.left -= 1;
    if (paced.left === 0) this.#wait(paced);
    return true;
  }

  #wait(paced: Paced): void {
    this.#spent.add(paced);
    if (this.#spent.size > 1) return;
    this.#after(1_000, () => {
      for (const one of this.#spent) one.left = this.#most;
      this.#spent.clear();
    });
  }
}
