/** The last values of an endless sequence. Adding costs the same however many are kept. */
export class Ring<T> {
  readonly #most: number;
  #values: T[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get length(): number {
    return Math.min(this.#values.length, this.#most);
  }

  add(value: T): void {
    this.#values.push(value);
    // Cut rarely, so that a flood doesn't move all values for each new one.
    if (this.#values.length >= 2 * this.#most) this.#values = this.#values.slice(-this.#most);
  }

  /** Newest first. */
  newest(): T[] {
    return this.#values.slice(-this.#most).reverse();
  }

  clear(): void {
    this.#values = [];
  }
}
