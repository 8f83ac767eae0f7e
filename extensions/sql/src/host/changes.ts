/** Tells those that wait that something has ended. */

/** Owns what waits for a change. */
export class Changes {
  readonly #after: (milliseconds: number, task: () => unknown) => { dispose(): void };
  readonly #waiting = new Set<() => void>();

  constructor(after: (milliseconds: number, task: () => unknown) => { dispose(): void }) {
    this.#after = after;
  }

  /** Resolves at the next change, or after so many milliseconds. */
  async next(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = this.#after(Math.max(1, milliseconds), resolve);
    await promise;
    timer.dispose();
    this.#waiting.delete(resolve);
  }

  tell(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }
}
