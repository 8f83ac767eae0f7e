/** Long work in turns, between which others have the thread. */

/** Milliseconds of a turn. */
const TURN = 8;

/** Owns the end of the current turn. */
export class Turns {
  #until = performance.now() + TURN;

  /** Lets others have the thread when the turn is over. */
  async pause(): Promise<void> {
    if (performance.now() < this.#until) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#until = performance.now() + TURN;
  }
}
