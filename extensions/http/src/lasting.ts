/** Answers that last: streams of events and WebSockets. Nothing waits for their end when the kernel stops. */
import { refuse } from './problem.js';

/** Owns the open ones of a tenant, and their bound. */
export class Lasting {
  readonly #most: number;
  readonly #open = new Set<(reason: string) => void>();
  #reserved = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Throws when no more may be opened. @throws Refusal 503. */
  check(): void {
    if (this.#open.size + this.#reserved >= this.#most)
      throw refuse(503, 'http/overloaded', 'Too many streams are open.', { 'retry-after': '5' });
  }

  /** Keeps a place for one that opens later. The result frees it, and may be called again. */
  reserve(): () => void {
    this.check();
    this.#reserved += 1;
    let kept = true;
    return () => {
      if (kept) this.#reserved -= 1;
      kept = false;
    };
  }

  /** Adds one. `close` is called with the reason when all have to end. The result removes it. */
  add(close: (reason: string) => void): () => void {
    const own = (reason: string) => close(reason);
    this.#open.add(own);
    return () => this.#open.delete(own);
  }

  /** Ends all of them. */
  end(reason: string): void {
    for (const close of [...this.#open]) close(reason);
  }
}
