/** Notes that wait for credit, each in the queue of its listener, under that listener's policy. */
import type { NoteQueue } from './note-queue.js';
import { MAX_NOTES, MAX_WAITING, overloaded } from './send-limits.js';
import { SharedValue } from './shared-value.js';

/** What this module needs from its outbox. */
export interface NoteSender {
  /** Name of the other side, for messages. */
  readonly peer: string | undefined;
  readonly closed: boolean;
  /** Adds a frame. Returns its number when it waits, else undefined. */
  add(target: number, meta: unknown, value: unknown): number | undefined;
  /** Takes a waiting frame back. */
  takeBack(number: number): void;
  /** A copy of a value, captured now. */
  copy(value: unknown): unknown;
}

/** Owns the queues of listeners that have something waiting. */
export class WaitingNotes {
  readonly #sender: NoteSender;
  /** The queue of each waiting note, by the number of its frame. */
  readonly #queues = new Map<number, NoteQueue>();
  /** Queues whose senders wait for room. */
  readonly #parked = new Set<NoteQueue>();

  constructor(sender: NoteSender) {
    this.#sender = sender;
  }

  /** Notes that wait. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * Queues a note, or does with it what the policy of its listener says.
   *
   * @returns a promise if the sender should wait for room.
   * @throws PluginValidationError when the value can't cross, PluginOverloadedError when too many
   * senders wait.
   */
  add(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> | undefined {
    const crowded = this.#queues.size >= MAX_NOTES;
    const full =
      crowded ||
      queue.waiting.size >= queue.limit ||
      queue.parked.size > 0 ||
      (queue.overflow === 'latest' && queue.waiting.size > 0);
    if (full) {
      if (queue.overflow === 'block') return this.#park(target, meta, value, queue);
      // If all listeners together have too many, each makes room in its own queue.
      const most =
        queue.overflow === 'drop-newest'
          ? 0
          : queue.overflow === 'latest'
            ? 1
            : crowded
              ? queue.waiting.size
              : queue.limit;
      if (most === 0) {
        queue.onDrop();
        return undefined;
      }
      while (queue.waiting.size >= most) this.#takeBack(queue);
    }
    this.#wait(target, meta, value, queue);
    return undefined;
  }

  /** Takes a frame that leaves out of its queue's account. Call {@link left} once it has left. */
  take(number: number): NoteQueue | undefined {
    const queue = this.#queues.get(number);
    if (queue !== undefined) this.#queues.delete(number);
    return queue;
  }

  /** A queue's first note has left. Senders that waited for room continue, in order. */
  left(queue: NoteQueue): void {
    queue.waiting.shift();
    while (queue.parked.size > 0 && queue.waiting.size < queue.limit) queue.parked.shift()?.();
    if (queue.parked.size === 0) this.#parked.delete(queue);
  }

  /** Drops everything. Senders that waited continue. */
  close(): void {
    this.#queues.clear();
    for (const { parked } of this.#parked)
      for (let go = parked.shift(); go !== undefined; go = parked.shift()) go();
    this.#parked.clear();
  }

  /** Queues a note for its listener; the queue has room. */
  #wait(target: number, meta: unknown, value: unknown, queue: NoteQueue): void {
    const number = this.#sender.add(target, meta, value);
    if (number === undefined) return;
    queue.waiting.push(number);
    this.#queues.set(number, queue);
  }

  #takeBack(queue: NoteQueue): void {
    const number = queue.waiting.shift() as number;
    this.#queues.delete(number);
    this.#sender.takeBack(number);
    queue.onDrop();
  }

  /**
   * Waits until the listener's queue has room. Parked notes keep their order; their values are
   * captured now.
   */
  #park(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> {
    const sender = this.#sender;
    if (queue.parked.size >= MAX_WAITING) throw overloaded(sender.peer);
    const taken =
      value instanceof SharedValue ? new SharedValue(sender.copy(value.value)) : sender.copy(value);
    this.#parked.add(queue);
    return new Promise((resolve, reject) => {
      queue.parked.push(() => {
        try {
          if (!sender.closed) this.#wait(target, meta, taken, queue);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
