/** Frames that wait for credit, flat and in order; any of them may be taken back. */

/** Frames taken back that may lie about before they are cleared away. */
const CLUTTER = 256;

/** Owns what an outbox may not send yet. */
export class HeldFrames {
  /** Frames are appended here, then {@link keep} is called. */
  slots: unknown[] = [];
  #starts: number[] = [];
  /** The number of each frame, ascending. */
  #numbers: number[] = [];
  #next = 0;
  #last = 0;
  #voided = 0;

  /** Frames that wait. */
  get size(): number {
    return this.#starts.length - this.#next - this.#voided;
  }

  /** The number of the first frame. */
  get firstNumber(): number {
    return this.#numbers[this.#next] as number;
  }

  /** Ends the frame that starts at a slot; answers the number by which it can be taken back. */
  keep(start: number): number {
    this.#last += 1;
    this.#starts.push(start);
    this.#numbers.push(this.#last);
    return this.#last;
  }

  /** Where the first frame starts, or -1. Frames that were taken back are dropped on the way. */
  first(): number {
    while (this.#next < this.#starts.length) {
      const start = this.#starts[this.#next] as number;
      if (this.slots[start] !== VOID) return start;
      this.#voided -= 1;
      this.shift();
    }
    return -1;
  }

  /** Where the first frame ends. */
  firstEnd(): number {
    return this.#starts[this.#next + 1] ?? this.slots.length;
  }

  /** Takes the first frame out. */
  shift(): void {
    this.#next += 1;
    if (this.#next === this.#starts.length) this.clear();
    else if (this.#next > CLUTTER * 4 && this.#next * 2 > this.#starts.length) this.#compact();
  }

  /** Takes a frame back, unless it has left. */
  void(number: number): void {
    const index = this.#indexOf(number);
    if (index === -1) return;
    const start = this.#starts[index] as number;
    if (this.slots[start] === VOID) return;
    this.slots.fill(undefined, start, this.#starts[index + 1] ?? this.slots.length);
    this.slots[start] = VOID;
    this.#voided += 1;
    // A receiver that takes nothing must not let what is dropped pile up.
    if (this.#voided > CLUTTER && this.#voided > this.size) this.#compact();
  }

  /** Takes back every frame whose head says that nobody wants it. */
  sweep(unwanted: (head: number) => boolean, onVoid: (number: number) => void): void {
    const doomed: number[] = [];
    for (let index = this.#next; index < this.#starts.length; index++) {
      const head = this.slots[this.#starts[index] as number] as number;
      if (head !== VOID && unwanted(head)) doomed.push(this.#numbers[index] as number);
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
    this.#voided = 0;
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
    if (this.#voided === 0) {
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
      if (slots[start] === VOID) continue;
      this.#starts.push(this.slots.length);
      this.#numbers.push(numbers[index] as number);
      for (let slot = start, end = starts[index + 1] ?? slots.length; slot < end; slot++) this.slots.push(slots[slot]);
    }
  }
}

/** In the place of a head: this frame was taken back. */
const VOID = -1;
