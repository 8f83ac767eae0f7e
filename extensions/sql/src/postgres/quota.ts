/** How much a plugin may keep. */
import { WorkError } from '../backend/backend.js';
import type { Connection } from './pg-client.js';

/** Tables, functions, indexes and the like of a plugin. Each is rows in the server's own tables. */
const MOST_OBJECTS = 10_000;
/** What may come to it so, as a part of the quota. */
const SLACK = 0.1;
/** How much longer than a search for room the time between two of them is. */
const REST = 3;
/** Milliseconds. */
const MOST_REST = 1_000;

/** Owns what is known of the size of one plugin's data. */
export class Quota {
  readonly #most: number;
  /** Bytes when it was above the quota. What adds nothing to them may go on: deletes, for one. */
  #above = 0;
  /** The fewest of them. Triggers that run at a commit write after the check, and not without end. */
  #least = Number.POSITIVE_INFINITY;
  #restUntil = 0;

  /** @param most bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Comes before a commit, in its transaction. @throws WorkError `quota`, `denied`. */
  async check(connection: Connection): Promise<void> {
    const { bytes, objects, large } = await used(connection);
    if (large) throw new WorkError('denied', 'the statement may not: make large objects');
    if (objects > MOST_OBJECTS)
      throw new WorkError('quota', `it has ${objects} tables, indexes, functions and the like`);
    if (bytes > this.#most) {
      const most = Math.min(this.#above, this.#least + this.#most * SLACK);
      if (bytes > most) throw new WorkError('quota', `it would have ${bytes} bytes`);
    } else [this.#above, this.#least] = [0, Number.POSITIVE_INFINITY];
  }

  /** After a refusal: gives back the room of rows that are gone, those just rolled back too. */
  async makeRoom(connection: Connection): Promise<void> {
    const rest = this.#restUntil - performance.now();
    // Its statements wait meanwhile. Else a plugin could keep the server busy with this.
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    const began = performance.now();
    await connection.query('vacuum (skip_locked)');
    this.#above = (await used(connection)).bytes;
    this.#least = Math.min(this.#least, this.#above);
    const took = performance.now() - began;
    this.#restUntil = performance.now() + Math.min(MOST_REST, took * REST);
  }
}

async function used(connection: Connection): Promise<{
  readonly bytes: number;
  readonly objects: number;
  readonly large: boolean;
}> {
  const { rows } = await connection.query('select bytes, objects, large from plinth.used()');
  const [bytes, objects, large] = rows[0] ?? [];
  return { bytes: Number(bytes), objects: Number(objects), large: large === 1 };
}
