/** The pipe between a kernel and one guest, in the shape of MessagePort and Worker. */
import type { ValueBounds } from './bounds.js';
import type { StreamDoor } from './stream-door.js';

/** One message event. */
export interface MessageEventLike {
  readonly data: unknown;
}

/**
 * The other end of an endpoint in the same thread: it can be called directly instead of by
 * messages.
 */
export interface DirectReceiver {
  /** Whether everything posted to it has been taken, so that a direct call overtakes nothing. */
  readonly idle: boolean;
  /** Takes the streams of a request. */
  readonly streams: StreamDoor;
  /** Takes the streams of an answer; {@link settle} is called next. */
  answerTo(sequence: number): StreamDoor;
  request(sequence: number, target: number, meta: unknown, input: unknown): void;
  settle(sequence: number, ok: boolean, value: unknown): void;
  note(target: number, meta: unknown, payload: unknown): void;
}

/** One of two ends that share a thread. */
export interface DirectEnd {
  /** Messages on their way from here. */
  readonly inFlight: number;
  /** The receiver at this end. */
  receiver: DirectReceiver | undefined;
  readonly other: DirectEnd | undefined;
}

/** Anything that posts structured-cloneable messages and delivers them in order. */
export interface Endpoint {
  /** @throws DataCloneError when a value can't be cloned; nothing is sent then. */
  postMessage(message: unknown, transfer?: object[]): void;
  addEventListener(type: 'message', listener: (event: MessageEventLike) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEventLike) => void): void;
  /** Begins delivery, where the platform requires it. */
  start?(): void;
  /** Sets how large a value may be, where messages are read from bytes. */
  bound?(bounds: ValueBounds): void;
  /** Only when both ends share a thread. */
  readonly direct?: DirectEnd;
}

/**
 * Two endpoints in one thread: what one posts, the other receives, cloned, in a later microtask.
 * Direct ones also let their links call each other.
 */
export function endpointPair(
  options: { readonly direct?: boolean } = {},
): readonly [Endpoint, Endpoint] {
  const left = new MemoryEndpoint(options.direct === true);
  const right = new MemoryEndpoint(options.direct === true);
  left.other = right;
  right.other = left;
  return [left, right];
}

class MemoryEndpoint implements Endpoint, DirectEnd {
  other: MemoryEndpoint | undefined;
  receiver: DirectReceiver | undefined;
  inFlight = 0;
  readonly direct?: DirectEnd;
  readonly #listeners = new Set<(event: MessageEventLike) => void>();
  #early: unknown[] | undefined = [];

  constructor(direct: boolean) {
    if (direct) this.direct = this;
  }

  postMessage(message: unknown, transfer?: object[]): void {
    const data = structuredClone(message, transfer === undefined ? undefined : { transfer });
    this.inFlight += 1;
    queueMicrotask(() => {
      this.inFlight -= 1;
      this.other?.deliver(data);
    });
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
    // Messages posted before there is a listener are queued, as in a port that hasn't been started.
    if (this.#early !== undefined) this.#early.push(data);
    else for (const listener of [...this.#listeners]) listener({ data });
  }
}
