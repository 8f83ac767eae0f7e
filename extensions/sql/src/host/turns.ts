/** Gives out one place in the order in which it is asked for. */

/** Gives the place to the next. */
export type Give = () => void;

/** Owns the order. */
export class Turns {
  readonly #after: (milliseconds: number, task: () => unknown) => { dispose(): void };
  #last: Promise<void> = Promise.resolve();

  constructor(after: (milliseconds: number, task: () => unknown) => { dispose(): void }) {
    this.#after = after;
  }

  /** Waits for the turn. Answers undefined when it doesn't come in time. */
  async take(milliseconds: number): Promise<Give | undefined> {
    const { promise: over, resolve: give } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = before.then(() => over);
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#after(Math.max(1, milliseconds), () => resolve(false));
    const mine = await Promise.race([before.then(() => true), late]);
    timer.dispose();
    if (mine) return give;
    give();
    return undefined;
  }
}
