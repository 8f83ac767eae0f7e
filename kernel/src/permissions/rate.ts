/** How often a right was used of late. */
import type { Rate } from '@plinth/sdk/contract';

/** A bucket that fills with time: it holds what may be done at once. */
export class RateBucket {
  readonly rate: Rate;
  #left: number;
  #at = performance.now();

  constructor(rate: Rate) {
    this.rate = rate;
    this.#left = rate.count;
  }

  /** Whether it may be done now; counts it then. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.rate.count, this.#left + ((now - this.#at) * this.rate.count) / this.rate.per);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
