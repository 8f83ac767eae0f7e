/** The bounded queue of notes to one listener, and its policy when the listener is too slow. */
import type { Overflow } from '../contract/contract.js';
import { Fifo } from './fifo.js';

/** Default limit of queued notes per listener. */
export const DEFAULT_QUEUE = 1_024;

/** The queued notes of one listener, by their numbers in the outbox. */
export class NoteQueue {
  readonly overflow: Overflow;
  /** Most queued notes. */
  readonly limit: number;
  /** Called for each dropped note. */
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
