/**
 * Deadlines of many calls on one timer, because a timer per call would cost more than the call.
 * Entries sit in buckets of {@link TICK} milliseconds, and only the nearest bucket is armed.
 */

/**
 * Resolution, in milliseconds: a deadline fires at most this much late, plus the delay of the event
 * loop.
 */
export const TICK = 8;

/** Something with a deadline; the fields belong to {@link Deadlines}. */
export interface Timed {
  bucket: Bucket | undefined;
  /** Its position in the bucket. */
  slot: number;
  expire(): void;
  /** Called when the owner of the deadlines ends. */
  stop?(): void;
}

/** Entries that expire together, in any order. */
export interface Bucket {
  readonly tick: number;
  readonly entries: Timed[];
}

/** The timer functions that are used. */
export interface Timers {
  set(run: () => void, ms: number): number;
  clear(timer: number | undefined): void;
}

const globalTimers: Timers = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer),
};

/** The timers of this realm as they are now, before a plugin's timers are counted. */
export function takeTimers(): Timers {
  const { setTimeout, clearTimeout } = globalThis;
  return { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer) };
}

/** Owns one timer and every pending deadline of a kernel or guest. */
export class Deadlines {
  readonly #buckets = new Map<number, Bucket>();
  #latest: Bucket | undefined;
  #armed = Number.POSITIVE_INFINITY;
  #timer: number | undefined;
  readonly #timers: Timers;

  /** @param timers the realm's timers when absent. */
  constructor(timers: Timers = globalTimers) {
    this.#timers = timers;
  }

  /** Adds an entry that expires in `ms` unless it is removed before. */
  add(entry: Timed, ms: number, now = performance.now()): void {
    const tick = Math.ceil((now + ms) / TICK);
    // Calls made together with the same time-out share a bucket, so the last one is nearly always
    // right.
    const bucket = this.#latest?.tick === tick ? this.#latest : this.#bucketOf(tick);
    entry.bucket = bucket;
    entry.slot = bucket.entries.length;
    bucket.entries.push(entry);
    if (tick < this.#armed) this.#arm(tick, now);
  }

  /** Removes an entry. Harmless when it has expired or was never added. */
  remove(entry: Timed): void {
    const { bucket } = entry;
    if (bucket === undefined) return;
    entry.bucket = undefined;
    const last = bucket.entries.pop() as Timed;
    if (last === entry) return;
    bucket.entries[entry.slot] = last;
    last.slot = entry.slot;
  }

  /** Stops the timer. Remaining entries are told, and never expire. */
  close(): void {
    this.#timers.clear(this.#timer);
    this.#timer = undefined;
    const left = [...this.#buckets.values()].flatMap(({ entries }) => [...entries]);
    for (const entry of left) {
      this.remove(entry);
      entry.stop?.();
    }
    this.#buckets.clear();
    this.#latest = undefined;
  }

  #bucketOf(tick: number): Bucket {
    let bucket = this.#buckets.get(tick);
    if (bucket === undefined) {
      bucket = { tick, entries: [] };
      this.#buckets.set(tick, bucket);
    }
    this.#latest = bucket;
    return bucket;
  }

  #arm(tick: number, now: number): void {
    this.#timers.clear(this.#timer);
    this.#armed = tick;
    this.#timer = this.#timers.set(
      () => this.#sweep(),
      Math.max(0, Math.min(tick * TICK - now, 0x7fff_ffff)),
    );
  }

  #sweep(): void {
    const now = performance.now();
    this.#armed = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    this.#latest = undefined;
    let nearest = Number.POSITIVE_INFINITY;
    for (const [tick, { entries }] of this.#buckets) {
      if (tick * TICK <= now) {
        this.#buckets.delete(tick);
        for (let entry = entries.at(-1); entry !== undefined; entry = entries.at(-1)) {
          this.remove(entry);
          entry.expire();
        }
      } else if (entries.length === 0) this.#buckets.delete(tick);
      else if (tick < nearest) nearest = tick;
    }
    // A bucket that was filled and emptied meanwhile is no longer in the table.
    this.#latest = undefined;
    if (nearest < this.#armed) this.#arm(nearest, now);
  }
}
