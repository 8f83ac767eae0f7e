/**
 * Deadlines of many calls on one timer. A timer a call would cost more than the call: entries hang in buckets of
 * {@link TICK} milliseconds, and only the nearest bucket is armed.
 */

/** Resolution, in milliseconds: a deadline fires at most this much late (beside what the loop adds). */
export const TICK = 8;

/** Something with a deadline; the fields belong to {@link Deadlines}. */
export interface Timed {
  previous: Timed | undefined;
  next: Timed | undefined;
  bucket: Bucket | undefined;
  expire(): void;
}

/** A doubly linked list of entries that expire together. */
export interface Bucket {
  readonly tick: number;
  head: Timed | undefined;
}

/** Owns one timer and every pending deadline of a kernel or guest. */
export class Deadlines {
  readonly #buckets = new Map<number, Bucket>();
  #armed = Number.POSITIVE_INFINITY;
  #timer: number | undefined;

  /** Adds an entry that expires in `ms`, unless it is removed before. */
  add(entry: Timed, ms: number, now = performance.now()): void {
    const tick = Math.ceil((now + ms) / TICK);
    let bucket = this.#buckets.get(tick);
    if (bucket === undefined) {
      bucket = { tick, head: undefined };
      this.#buckets.set(tick, bucket);
    }
    entry.bucket = bucket;
    entry.next = bucket.head;
    if (bucket.head !== undefined) bucket.head.previous = entry;
    bucket.head = entry;
    if (tick < this.#armed) this.#arm(tick, now);
  }

  /** Takes an entry out; harmless when it has expired or was never added. */
  remove(entry: Timed): void {
    const { bucket, previous, next } = entry;
    if (bucket === undefined) return;
    if (previous === undefined) bucket.head = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    entry.bucket = entry.previous = entry.next = undefined;
  }

  /** Stops the timer; entries left in it never expire. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#buckets.clear();
  }

  #arm(tick: number, now: number): void {
    clearTimeout(this.#timer);
    this.#armed = tick;
    this.#timer = setTimeout(() => this.#sweep(), Math.max(0, Math.min(tick * TICK - now, 0x7fff_ffff)));
  }

  #sweep(): void {
    const now = performance.now();
    this.#armed = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const [tick, bucket] of this.#buckets) {
      if (tick * TICK <= now) {
        this.#buckets.delete(tick);
        for (let entry = bucket.head; entry !== undefined; entry = bucket.head) {
          this.remove(entry);
          entry.expire();
        }
      } else if (bucket.head === undefined) this.#buckets.delete(tick);
      else if (tick < nearest) nearest = tick;
    }
    if (nearest < this.#armed) this.#arm(nearest, now);
  }
}
