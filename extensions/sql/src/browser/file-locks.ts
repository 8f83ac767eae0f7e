/**
 * What the connections of one worker agree on about a file: its locks, and the memory that they
 * share. It is the part of a file system that SQLite needs and the browser's lacks.
 */

/** The levels of a lock on a file. */
export const LEVEL = { none: 0, shared: 1, reserved: 2, pending: 3, exclusive: 4 } as const;

/** What one connection holds of a file. */
interface Held {
  level: number;
  /** Bits of the locks on the shared memory. */
  shared: number;
  exclusive: number;
  mapped: boolean;
}

/** Owns the locks of one file. Connections are told apart by a number. */
export class FileLocks {
  readonly #held = new Map<number, Held>();
  /** Where the parts of the shared memory are. */
  readonly #memory: number[] = [];

  /** A connection opens the file. */
  enter(connection: number): void {
    this.#held.set(connection, { level: LEVEL.none, shared: 0, exclusive: 0, mapped: false });
  }

  /** Frees what a connection holds. */
  leave(connection: number): void {
    this.#held.delete(connection);
  }

  /** Raises a lock. False: others hold too much. */
  lock(connection: number, level: number): boolean {
    const mine = this.#of(connection);
    if (mine.level >= level) return true;
    const others = Math.max(0, ...this.#others(connection).map((other) => other.level));
    if (level === LEVEL.shared ? others >= LEVEL.pending : others >= LEVEL.reserved) return false;
    if (level === LEVEL.exclusive && others >= LEVEL.shared) {
      // Nothing else begins to read; it is free once those that read have ended.
      mine.level = LEVEL.pending;
      return false;
    }
    mine.level = level;
    return true;
  }

  unlock(connection: number, level: number): void {
    const mine = this.#of(connection);
    mine.level = Math.min(mine.level, level);
  }

  /** Whether a connection is about to write. */
  get reserved(): boolean {
    return [...this.#held.values()].some(({ level }) => level >= LEVEL.reserved);
  }

  /** Takes locks on the shared memory. False: others hold them. */
  lockMemory(connection: number, mask: number, exclusive: boolean): boolean {
    const others = this.#others(connection);
    const taken = (other: Held) => (exclusive ? other.shared | other.exclusive : other.exclusive);
    if (others.some((other) => (taken(other) & mask) !== 0)) return false;
    const mine = this.#of(connection);
    if (exclusive) mine.exclusive |= mask;
    else mine.shared |= mask;
    return true;
  }

  unlockMemory(connection: number, mask: number): void {
    const mine = this.#of(connection);
    mine.exclusive &= ~mask;
    mine.shared &= ~mask;
  }

  /** A part of the shared memory. 0: it isn't there, and isn't to be made. */
  map(connection: number, part: number, make: (() => number) | undefined): number {
    this.#of(connection).mapped = true;
    while (make !== undefined && this.#memory.length <= part) this.#memory.push(make());
    return this.#memory[part] ?? 0;
  }

  /** A connection leaves the shared memory. Without another one, it is given back. */
  unmap(connection: number, free: (address: number) => void): void {
    const mine = this.#of(connection);
    [mine.mapped, mine.shared, mine.exclusive] = [false, 0, 0];
    if ([...this.#held.values()].some(({ mapped }) => mapped)) return;
    for (const address of this.#memory.splice(0)) free(address);
  }

  #of(connection: number): Held {
    const held = this.#held.get(connection);
    if (held === undefined) throw new Error('the connection has not opened the file');
    return held;
  }

  #others(connection: number): readonly Held[] {
    return [...this.#held].filter(([one]) => one !== connection).map(([, held]) => held);
  }
}
