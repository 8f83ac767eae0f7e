/** The log of failed requests. Clients can fail as often as they like, so its pace is bounded. */

/** Entries in a second. */
const MOST = 20;

/** Owns the count of a tenant's failures. */
export class FailureLog {
  readonly #write: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  #second = 0;
  #written = 0;
  #left = 0;

  constructor(write: (message: string, fields: Readonly<Record<string, unknown>>) => void) {
    this.#write = write;
  }

  /** Logs a failure, or counts it for the next entry. */
  add(fields: Readonly<Record<string, unknown>>): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#written = 0;
    }
    if (this.#written >= MOST) {
      this.#left += 1;
      return;
    }
    this.#written += 1;
    this.#write('a request failed', { ...fields, ...(this.#left > 0 && { left: this.#left }) });
    this.#left = 0;
  }
}
