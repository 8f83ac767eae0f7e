/** The order of changes: those of one key one after the other, and a clear of many after all before it. */

/** Owns what is in progress. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();
  /** The last clear. Changes that come later wait for it. */
  #cleared: Promise<unknown> = Promise.resolve();

  /** Runs a change of a key after the earlier ones, whether those succeed or fail. */
  change<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = this.before(key).then(work, work);
    this.#last.set(key, done);
    const forget = () => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Runs a change of many keys after all earlier ones. */
  clear(work: () => Promise<void>): Promise<void> {
    const done = this.idle().then(work);
    this.#cleared = done.catch(() => {});
    // What comes later waits for this one, not for what this one waits for.
    this.#last.clear();
    return done;
  }

  /** The last change of a key. A read waits for it. */
  before(key: string): Promise<unknown> {
    return this.#last.get(key) ?? this.#cleared;
  }

  /** Settles when what has begun is over. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#last.values(), this.#cleared]);
  }
}
