/** Frames that wait for credit, flat and in order; any of them may be taken back. */

/** Owns what an outbox may not send yet. */
export class HeldFrames {
  /** Frames are appended here, then {@link keep} is called. */
  slots: unknown[] = [];
  #starts: number[] = [];
  #next = 0;
  /** Number of the frame that stands at index 0 of the starts. */
  #base = 0;
  #voided = 0;

  /** Frames that wait. */
  get size(): number {
    return this.#starts.length - this.#next - this.#voided;
  }

  /** Ends the frame that starts at a slot; answers the number by which it can be taken back. */
  keep(start: number): number {
    this.#starts.push(start);
    return this.#base + this.#starts.length - 1;
  }

  /** Where the first frame starts, or -1. Frames that were taken back are dropped on the way. */
  first(): number {
    while (this.#next < this.#starts.length) {
      const start = this.#starts[this.#next] as number;
      if (this.slots[start] !== VOID) return start;
      this.#voided -= 1;
      this.#drop();
    }
    return -1;
  }

  /** The number of the first frame. */
  get firstNumber(): number {
    return this.#base + this.#next;
  }

  /** Where the first frame ends. */
  firstEnd(): number {
    return this.#starts[this.#next + 1] ?? this.slots.length;
  }

  /** Takes the first frame out. */
  shift(): void {
    this.#drop();
  }

  /** Takes a frame back, unless it has left. */
  void(number: number): boolean {
    const index = number - this.#base;
    if (index < this.#next) return false;
    const start = this.#starts[index] as number;
    const end = this.#starts[index + 1] ?? this.slots.length;
    this.slots.fill(undefined, start, end);
    this.slots[start] = VOID;
    this.#voided += 1;
    return true;
  }

  /** Takes back every frame whose head says that nobody wants it. */
  sweep(unwanted: (head: number) => boolean): void {
    for (let index = this.#next; index < this.#starts.length; index++) {
      const head = this.slots[this.#starts[index] as number] as number;
      if (head !== VOID && unwanted(head)) this.void(this.#base + index);
    }
  }

  clear(): void {
    this.#base += this.#starts.length;
    this.slots = [];
    this.#starts = [];
    this.#next = 0;
    this.#voided = 0;
  }

  #drop(): void {
    this.#next += 1;
    if (this.#next === this.#starts.length) this.clear();
    else if (this.#next > 1_024 && this.#next * 2 > this.#starts.length) this.#compact();
  }

  #compact(): void {
    const from = this.#starts[this.#next] as number;
    this.slots = this.slots.slice(from);
    this.#starts = this.#starts.slice(this.#next).map((start) => start - from);
    this.#base += this.#next;
    this.#next = 0;
  }
}

/** In the place of a head: this frame was taken back. */
const VOID = -1;
