/** Frames that wait for credit, flat and in order. Any of them may be cancelled. */

/** Cancelled frames that may remain before they are cleared. */
const MAX_CANCELLED = 256;

/** Owns the frames an outbox may not send yet. */
export class HeldFrames {
  /** Frames are appended here, then {@link keep} is called. */
  slots: unknown[] = [];
  #starts: number[] = [];
  /** The number of each frame, ascending. */
  #numbers: number[] = [];
  #next = 0;
  #last = 0;
  #cancelled = 0;

  /** Frames that wait. */
  get size(): number {
    return this.#starts.length - this.#next - this.#cancelled;
  }

  /** The number of the first frame. */
  get firstNumber(): number {
    return this.#numbers[this.#next] as number;
  }

  /** Ends the frame that starts at a slot. Returns the number by which it can be cancelled. */
  keep(start: number): number {
    this.#last += 1;
    this.#starts.push(start);
    this.#numbers.push(this.#last);
    return this.#last;
  }

  /** Where the first frame starts, or -1. Cancelled frames before it are dropped. */
  first(): number {
    while (this.#next < this.#starts.length) {
      const start = this.#starts[this.#next] as number;
      if (this.slots[start] !== CANCELLED) return start;
      this.#cancelled -= 1;
      this.shift();
    }
    return -1;
  }

  /** Where the first frame ends. */
  firstEnd(): number {
    return this.#starts[this.#next + 1] ?? this.slots.length;
  }

  /** Removes the first frame. */
  shift(): void {
    this.#next += 1;
    if (this.#next === this.#starts.length) this.clear();
    else if (this.#next > MAX_CANCELLED * 4 && this.#next * 2 > this.#starts.length)
      this.#compact();
  }

  /** Cancels a frame, unless it has left. */
  void(number: number): void {
    const index = this.#indexOf(number);
    if (index === -1) return;
    const start = this.#starts[index] as number;
    if (this.slots[start] === CANCELLED) return;
    this.slots.fill(undefined, start, this.#starts[index + 1] ?? this.slots.length);
    this.slots[start] = CANCELLED;
    this.#cancelled += 1;
    // Cancelled frames must not pile up when the receiver takes nothing.
    if (this.#cancelled > MAX_CANCELLED && this.#cancelled > this.size) this.#compact();
  }

  /** Cancels every frame whose head is reported as unwanted. */
  sweep(unwanted: (head: number) => boolean, onVoid: (number: number) => void): void {
    const doomed: number[] = [];
    for (let index = this.#next; index < this.#starts.length; index++) {
      const head = this.slots[this.#starts[index] as number] as number;
      if (head !== CANCELLED && unwanted(head)) doomed.push(this.#numbers[index] as number);
    }
    for (const number of doomed) {
      this.void(number);
      onVoid(number);
    }
  }

  clear(): void {
    this.slots = [];
    this.#starts = [];
    this.#numbers = [];
    this.#next = 0;
    this.#cancelled = 0;
  }

  #indexOf(number: number): number {
    let low = this.#next;
    let high = this.#numbers.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#numbers[middle] as number;
      if (found === number) return middle;
      if (found < number) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #compact(): void {
    const from = this.#next;
    const [slots, starts, numbers] = [this.slots, this.#starts, this.#numbers];
    if (this.#cancelled === 0) {
      const first = starts[from] as number;
      this.slots = slots.slice(first);
      this.#starts = starts.slice(from).map((start) => start - first);
      this.#numbers = numbers.slice(from);
      this.#next = 0;
      return;
    }
    this.clear();
    for (let index = from; index < starts.length; index++) {
      const start = starts[index] as number;
      if (slots[start] === CANCELLED) continue;
      this.#starts.push(this.slots.length);
      this.#numbers.push(numbers[index] as number);
      for (let slot = start, end = starts[index + 1] ?? slots.length; slot < end; slot++)
        this.slots.push(slots[slot]);
    }
  }
}

/** In place of a head: this frame was cancelled. */
const CANCELLED = -1;
