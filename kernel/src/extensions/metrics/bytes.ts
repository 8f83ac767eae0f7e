/** Counts the bytes that cross the boundary of guests, as quotas count values. */
import { type Endpoint, type MessageEventLike, sizeOf } from '@plinth/sdk/rpc';
import type { Guest } from '../../host.js';

/** Bytes so far, from a guest and to it. */
export interface CountedBytes {
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

interface Counter {
  bytesReceived: number;
  bytesSent: number;
}

/** Owns the counts of the guests that run, by the key of their plugin. */
export class BytesCount {
  readonly #counters = new Map<string, Counter>();

  /** The counts of a plugin's latest guest. */
  of(key: string): CountedBytes | undefined {
    return this.#counters.get(key);
  }

  /** A guest as the kernel uses it, with its messages counted. Inline guests send none. */
  watch(key: string, guest: Guest): Guest {
    if (guest.endpoint.direct !== undefined) return guest;
    const counter: Counter = { bytesReceived: 0, bytesSent: 0 };
    this.#counters.set(key, counter);
    void guest.exited.then(() => {
      if (this.#counters.get(key) === counter) this.#counters.delete(key);
    });
    return counted(guest, counter);
  }
}

/** The guest itself keeps its other members, and methods that may be those of a class. */
function counted(guest: Guest, counter: Counter): Guest {
  const { endpoint } = guest;
  const listeners = new Map<(event: MessageEventLike) => void, (event: MessageEventLike) => void>();
  const watched: Endpoint = {
    postMessage(message, transfer) {
      // Before it is posted: afterwards its buffers may be gone.
      const bytes = bytesOf(message);
      endpoint.postMessage(message, transfer);
      counter.bytesSent += bytes;
    },
    addEventListener(type, listener) {
      const counting = (event: MessageEventLike) => {
        counter.bytesReceived += bytesOf(event.data);
        listener(event);
      };
      listeners.set(listener, counting);
      endpoint.addEventListener(type, counting);
    },
    removeEventListener(type, listener) {
      endpoint.removeEventListener(type, listeners.get(listener) ?? listener);
      listeners.delete(listener);
    },
    start: () => endpoint.start?.(),
    bound: (bounds) => endpoint.bound?.(bounds),
  };
  const usage = guest.usage?.bind(guest);
  return {
    endpoint: watched,
    ...(guest.ports !== undefined && { ports: guest.ports }),
    exited: guest.exited,
    terminate: (whole) => guest.terminate(whole),
    ...(usage && { usage }),
  };
}

/** A message holds what no value may, like a port. Such a part counts as nothing. */
function bytesOf(message: unknown): number {
  if (!Array.isArray(message)) return 0;
  let bytes = 0;
  for (const slot of message) {
    if (typeof slot === 'number') bytes += 8;
    else if (typeof slot === 'string') bytes += slot.length * 2;
    else
      try {
        bytes += sizeOf(slot);
      } catch {
        // A port, or a value that is refused when it is read.
      }
  }
  return bytes;
}
