/**
 * Which page of the application has a database now. Files of the private file system have one owner,
 * so pages take turns: one that needs a database asks for it, and the one that has it gives it away
 * once nothing is open.
 */
import { Refused } from '../sqlite/failure.js';

/** Milliseconds for which a page keeps a database at least, so that it gets something done. */
const LEAST = 100;
/** What pages ask each other on. */
const CHANNEL = 'plinth.sql';

/** What has come of asking for a database. */
interface Turn {
  /** When it came. Undefined: another page has it still. */
  since: number | undefined;
  /** Gives it away, or asks no longer. */
  end(): void;
}

/** Owns the databases that this worker has, and those that it waits for. */
export class Turns {
  readonly #turns = new Map<string, Turn>();
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #asked = new Set<string>();
  readonly #give: (path: string) => boolean;

  /** @param give closes a database, unless something of it is open. It ends by {@link end}. */
  constructor(give: (path: string) => boolean) {
    this.#give = give;
    this.#channel.onmessage = ({ data }: MessageEvent) => {
      if (typeof data === 'string' && this.#turns.has(data)) this.#asked.add(data);
      this.giveAway();
    };
  }

  /**
   * Takes a database.
   *
   * @throws Refused `busy` while another page has it. It comes as soon as that gives it away.
   */
  async take(path: string): Promise<void> {
    const turn = this.#turns.get(path);
    if (turn?.since !== undefined) return;
    if (turn === undefined && (await this.#request(path, true))) return;
    if (!this.#turns.has(path)) void this.#request(path, false);
    this.#channel.postMessage(path);
    throw new Refused('busy', 'another page of the application uses it');
  }

  /** Gives away what others have asked for, as far as nothing of it is open. */
  giveAway(): void {
    const now = performance.now();
    for (const path of this.#asked) {
      const since = this.#turns.get(path)?.since;
      // It asks again while it waits.
      if (since === undefined || now - since < LEAST) continue;
      if (this.#give(path)) this.#asked.delete(path);
    }
  }

  /** Frees a database that is closed. */
  end(path: string): void {
    this.#asked.delete(path);
    this.#turns.get(path)?.end();
    this.#turns.delete(path);
  }

  /** Answers whether it was free, or once it comes. */
  #request(path: string, ifAvailable: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const over = new AbortController();
      const turn: Turn = { since: undefined, end: () => over.abort() };
      this.#turns.set(path, turn);
      navigator.locks
        .request(
          `${CHANNEL}:${path}`,
          ifAvailable ? { ifAvailable } : { signal: over.signal },
          (lock) => {
            if (lock === null) {
              this.#turns.delete(path);
              return resolve(false);
            }
            resolve(true);
            // It was ended while it was on its way.
            if (this.#turns.get(path) !== turn) return undefined;
            turn.since = performance.now();
            return new Promise<void>((free) => {
              turn.end = free;
            });
          },
        )
        .catch(() => {
          if (this.#turns.get(path) === turn) this.#turns.delete(path);
          resolve(false);
        });
    });
  }
}
