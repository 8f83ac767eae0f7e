/** The pipe between a kernel and one guest, in the shape that MessagePort and Worker already have. */

/** One message event. */
export interface MessageEventLike {
  readonly data: unknown;
}

/** Anything that posts structured-cloneable messages and delivers them in order. */
export interface Endpoint {
  /** @throws DataCloneError when a value can't be cloned; nothing is sent then. */
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEventLike) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEventLike) => void): void;
  /** Begins delivery, where the platform waits for it. */
  start?(): void;
}

/**
 * Two endpoints in one thread: what one posts the other receives, cloned, in a later microtask. For inline guests and
 * for tests of the wire.
 */
export function endpointPair(): readonly [Endpoint, Endpoint] {
  const left = new MemoryEndpoint();
  const right = new MemoryEndpoint();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class MemoryEndpoint implements Endpoint {
  peer: MemoryEndpoint | undefined;
  readonly #listeners = new Set<(event: MessageEventLike) => void>();
  #early: unknown[] | undefined = [];

  postMessage(message: unknown, transfer?: Transferable[]): void {
    const data = structuredClone(message, transfer === undefined ? undefined : { transfer });
    queueMicrotask(() => this.peer?.deliver(data));
  }

  addEventListener(_type: 'message', listener: (event: MessageEventLike) => void): void {
    this.#listeners.add(listener);
    const early = this.#early;
    this.#early = undefined;
    for (const data of early ?? []) this.deliver(data);
  }

  removeEventListener(_type: 'message', listener: (event: MessageEventLike) => void): void {
    this.#listeners.delete(listener);
  }

  deliver(data: unknown): void {
    // Messages posted before anybody listens wait, as in a port that hasn't been started.
    if (this.#early !== undefined) this.#early.push(data);
    else for (const listener of [...this.#listeners]) listener({ data });
  }
}
