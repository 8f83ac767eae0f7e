/**
 * Calls that wait for an answer, by sequence. A table of slots instead of a Map: sequences only
 * grow and most calls end in order. So masking finds the slot, and a call needs no allocation or
 * rehash.
 */
export class PendingTable<T> {
  #entries: (T | undefined)[] = new Array(64).fill(undefined);
  #sequences: number[] = new Array(64).fill(0);
  #mask = 63;
  #last = 0;
  #size = 0;

  /** Entries in the table. */
  get size(): number {
    return this.#size;
  }

  /** The highest sequence that was given out. */
  get last(): number {
    return this.#last;
  }

  /** Adds an entry. Returns its sequence, which is higher than every one before. */
  add(entry: T): number {
    if (this.#size * 2 > this.#mask) this.#grow();
    let sequence = this.#last + 1;
    // A slow call keeps its slot; newer sequences skip it.
    while (this.#entries[sequence & this.#mask] !== undefined) sequence += 1;
    this.#last = sequence;
    this.#entries[sequence & this.#mask] = entry;
    this.#sequences[sequence & this.#mask] = sequence;
    this.#size += 1;
    return sequence;
  }

  get(sequence: number): T | undefined {
    const slot = sequence & this.#mask;
    return this.#sequences[slot] === sequence ? this.#entries[slot] : undefined;
  }

  /** Every entry. */
  all(): readonly T[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  /** Removes an entry. */
  take(sequence: number): T | undefined {
    const slot = sequence & this.#mask;
    if (this.#sequences[slot] !== sequence) return undefined;
    const entry = this.#entries[slot];
    if (entry === undefined) return undefined;
    this.#entries[slot] = undefined;
    this.#size -= 1;
    return entry;
  }

  /** Removes every entry, the oldest first. */
  clear(): readonly T[] {
    const entries = this.#entries.flatMap((entry, slot) =>
      entry === undefined ? [] : [{ entry, sequence: this.#sequences[slot] as number }],
    );
    this.#entries.fill(undefined);
    this.#size = 0;
    return entries.sort((a, b) => a.sequence - b.sequence).map(({ entry }) => entry);
  }

  #grow(): void {
    const [entries, sequences] = [this.#entries, this.#sequences];
    this.#mask = this.#mask * 2 + 1;
    this.#entries = new Array(this.#mask + 1).fill(undefined);
    this.#sequences = new Array(this.#mask + 1).fill(0);
    for (const [slot, entry] of entries.entries()) {
      if (entry === undefined) continue;
      const sequence = sequences[slot] as number;
      this.#entries[sequence & this.#mask] = entry;
      this.#sequences[sequence & this.#mask] = sequence;
    }
  }
}
