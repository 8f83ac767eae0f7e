/** Counts how often a right was recently used. */
import type { Rate } from '@plinth/sdk/contract';

/** A token bucket that fills with time. Its size is how many uses may happen at once. */
export class RateBucket {
  readonly rate: Rate;
  #left: number;
  #at = performance.now();

  constructor(rate: Rate) {
    this.rate = rate;
    this.#left = rate.count;
  }

  /** Takes a token. Returns whether there was one. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(
      this.rate.count,
      this.#left + ((now - this.#at) * this.rate.count) / this.rate.per,
    );
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
