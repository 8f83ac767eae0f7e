/** What happens to notes that their receiver is too slow for: a bounded queue with a policy, one for each listener. */
import type { Overflow } from '../contract/contract.js';
import { Fifo } from './fifo.js';

/** Notes of one listener that may wait when nobody says otherwise. */
export const DEFAULT_QUEUE = 1_024;

/** The waiting notes of one listener, by their numbers in the outbox. */
export class NoteQueue {
  readonly overflow: Overflow;
  /** Most notes that wait. */
  readonly limit: number;
  /** Told of each note that is dropped. */
  readonly onDrop: () => void;
  readonly waiting = new Fifo<number>();
  /** Senders that wait for room, in order; only with `block`. */
  readonly parked = new Fifo<() => void>();

  constructor(overflow: Overflow, limit: number, onDrop: () => void) {
    this.overflow = overflow;
    this.limit = limit;
    this.onDrop = onDrop;
  }
}
