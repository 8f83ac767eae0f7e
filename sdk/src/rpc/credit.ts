/** What one side has sent, and what the other has taken of it. */
import { Kind } from './frames.js';
import { WINDOW } from './send-limits.js';

/** Owns the credit of an outbox. Only counted frames use credit. */
export class Credit {
  /** Counted frames so far. */
  sent = 0;
  /** Sequence of the last request that was sent: they leave in order. */
  lastRequest = 0;
  #acknowledged = 0;

  /** Whether all credit is used. */
  get used(): boolean {
    return this.sent - this.#acknowledged >= WINDOW;
  }

  /** A counted frame was sent. */
  spend(kind: number, sequence: number): void {
    this.sent += 1;
    if (kind === Kind.request) this.lastRequest = sequence;
  }

  /** The other side has taken this many counted frames. False when that is impossible. */
  acknowledge(count: number): boolean {
    if (count > this.sent || count < this.#acknowledged) return false;
    this.#acknowledged = count;
    return true;
  }
}
