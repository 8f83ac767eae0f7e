/**
 * Counts events that were dropped because a listener was too slow. Drops are reported once per
 * burst, so a flood of drops is no flood of reports.
 */

/** Milliseconds without a drop after which a burst is over. */
const CALM = 50;
/** Milliseconds after which a burst that continues is reported anyway. */
const LONGEST = 1_000;

/** Owns one timer, which runs during a burst. */
export class Drops {
  readonly #tell: (burst: number, total: number) => void;
  #total = 0;
  #told = 0;
  #timer: number | undefined;

  /** @param tell receives how many were dropped since its last call, and in total. */
  constructor(tell: (burst: number, total: number) => void) {
    this.#tell = tell;
  }

  add(): void {
    this.#total += 1;
    if (this.#timer === undefined) this.#wait(this.#total, performance.now() + LONGEST);
  }

  /** The listener is gone. Drops that were not reported yet are reported now. */
  close(): void {
    clearTimeout(this.#timer);
    this.#over();
  }

  #wait(seen: number, end: number): void {
    this.#timer = setTimeout(() => {
      if (this.#total === seen || performance.now() >= end) this.#over();
      else this.#wait(this.#total, end);
    }, CALM);
  }

  #over(): void {
    this.#timer = undefined;
    const burst = this.#total - this.#told;
    this.#told = this.#total;
    if (burst > 0) this.#tell(burst, this.#total);
  }
}
