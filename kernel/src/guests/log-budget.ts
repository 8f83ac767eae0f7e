/** How much one guest may write into the log: the log is read by people, and remembered by the kernel. */

/** Entries in a second. */
const ENTRIES = 500;
const SECOND = 1_000;

/** Owns the count of one guest. */
export class LogBudget {
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;

  /** Whether an entry may be written; `last` for the one that says that others are not. */
  take(): boolean | 'last' {
    const now = performance.now();
    if (now - this.#since >= SECOND) {
      this.#since = now;
      this.#written = 0;
    }
    this.#written += 1;
    return this.#written === ENTRIES ? 'last' : this.#written < ENTRIES;
  }
}
