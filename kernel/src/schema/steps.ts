/**
 * The budget of a check. Schemas and values are untrusted, so code that walks them counts its
 * steps, and stops when none are left.
 */

/** Thrown when a check has used its budget. It never leaves the validator. */
export class TooManySteps extends Error {}

/** Owns the remaining steps of one check. */
export class Steps {
  #left: number;

  /** @param limit the number of steps; one takes about ten nanoseconds. */
  constructor(limit: number) {
    this.#left = limit;
  }

  /** @throws TooManySteps when fewer steps are left. */
  take(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TooManySteps('there are no steps left');
  }
}
