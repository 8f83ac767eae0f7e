/** What a getter sends while the value that holds it is being written: it must come after that. */

/** A send that failed, although its sender has long continued. */
export type SendFailed = (kind: number, sequence: number, cause: unknown) => void;

/** Owns the sends of one writing. */
export class DeferredSends {
  readonly #failed: SendFailed;
  #sends: (() => void)[] = [];

  constructor(failed: SendFailed) {
    this.#failed = failed;
  }

  /** Whether some wait. */
  get any(): boolean {
    return this.#sends.length > 0;
  }

  /** Keeps a send until {@link run}. The answer is that of a send that does not wait for credit. */
  add(kind: number, sequence: number, send: () => void): false {
    this.#sends.push(() => {
      try {
        send();
      } catch (cause) {
        this.#failed(kind, sequence, cause);
      }
    });
    return false;
  }

  /** Runs them in order. */
  run(): void {
    const sends = this.#sends;
    this.#sends = [];
    for (const send of sends) send();
  }
}
