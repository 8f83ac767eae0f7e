/** Frames that wait for credit, in order, with their buffers and the queues they are in. */
import type { Batch } from './batch.js';
import type { Credit } from './credit.js';
import { COUNTED, Form, headOf, Kind, kindOf, sequenceOf } from './frames.js';
import { HeldFrames } from './held.js';
import { MAX_WAITING } from './send-limits.js';
import { SharedValue } from './shared-value.js';
import type { WaitingNotes } from './waiting-notes.js';

/** What a backlog needs from its outbox. */
export interface BacklogParts {
  readonly batch: Batch;
  readonly credit: Credit;
  readonly notes: WaitingNotes;
  /** Whether a waiting request is still wanted. */
  wanted(sequence: number): boolean;
}

/** Owns the frames that may not be sent yet. */
export class Backlog {
  readonly #parts: BacklogParts;
  readonly #held = new HeldFrames();
  /** Buffers of waiting frames, by the number of the frame. */
  readonly #buffers = new Map<number, readonly ArrayBuffer[]>();
  /** Requests cancelled while waiting, since the last clean-up. */
  #cancelled = 0;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
  }

  /** Frames that wait. */
  get size(): number {
    return this.#held.size;
  }

  /** Frames are appended here, then {@link keep} is called. */
  get slots(): unknown[] {
    return this.#held.slots;
  }

  /**
   * Whether no further frame may wait, notes excluded: those have queues of their own. Waiting
   * calls that were cancelled are dropped first.
   */
  get full(): boolean {
    if (this.#waiting < MAX_WAITING) return false;
    this.#dropCancelled();
    return this.#waiting >= MAX_WAITING;
  }

  /** Ends the frame that starts at a slot. Returns the number by which it can be taken back. */
  keep(start: number, buffers?: readonly ArrayBuffer[]): number {
    const number = this.#held.keep(start);
    if (buffers !== undefined) this.#buffers.set(number, buffers);
    return number;
  }

  /** Appends a note whose value is text, as a frame of its own. */
  keepText(target: number, meta: unknown, value: SharedValue): number {
    const { slots } = this.#held;
    const start = slots.length;
    slots.push(headOf(1, Kind.note, Form.text), target, meta, SharedValue.burst([value]));
    return this.keep(start);
  }

  /** Takes a frame back, unless it has left. */
  takeBack(number: number): void {
    this.#held.void(number);
    this.#buffers.delete(number);
  }

  /** The caller of a waiting request has cancelled it. It is dropped when its turn comes. */
  cancelled(): void {
    this.#cancelled += 1;
  }

  /** Sends what the credit allows. */
  send(): void {
    const { batch, credit, notes } = this.#parts;
    for (let start = this.#held.first(); start !== -1; start = this.#held.first()) {
      const head = this.#held.slots[start] as number;
      const kind = kindOf(head);
      const sequence = sequenceOf(head);
      const wanted = kind !== Kind.request || this.#parts.wanted(sequence);
      if (wanted) {
        if (COUNTED[kind]) {
          if (credit.used) return;
          credit.spend(kind, sequence);
        }
        this.#copy(start, batch);
      }
      const number = this.#held.firstNumber;
      this.#buffers.delete(number);
      const queue = notes.take(number);
      this.#held.shift();
      if (wanted) batch.schedule(false);
      if (queue !== undefined) notes.left(queue);
    }
  }

  clear(): void {
    this.#held.clear();
    this.#buffers.clear();
  }

  get #waiting(): number {
    return this.#held.size - this.#parts.notes.size;
  }

  /** Appends the first frame to the message of this turn, with its buffers. */
  #copy(start: number, batch: Batch): void {
    const [from, to] = [this.#held.slots, batch.slots];
    const at = to.length;
    for (let slot = start, end = this.#held.firstEnd(); slot < end; slot++) to.push(from[slot]);
    const buffers = this.#buffers.get(this.#held.firstNumber);
    if (buffers !== undefined) batch.move(at, buffers);
  }

  #dropCancelled(): void {
    // Searched only if some were cancelled: in a flood this runs a thousand times a turn.
    if (this.#cancelled === 0) return;
    this.#cancelled = 0;
    this.#held.sweep(
      (head) => kindOf(head) === Kind.request && !this.#parts.wanted(sequenceOf(head)),
      (number) => this.#buffers.delete(number),
    );
  }
}
