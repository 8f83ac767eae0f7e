/** One WebSocket of events of the Node kernel. It comes back after an interruption, where it was. */

/** `waiting`: the connection is gone, and the next attempt comes. */
export type FeedStatus = 'connecting' | 'live' | 'waiting';

/** What the feed tells. */
export interface FeedMessage {
  readonly event: string;
  readonly data: unknown;
}

/** What the owner of a feed is told. */
export interface FeedListener {
  message(message: FeedMessage): void;
  /** The status is another one. */
  changed(): void;
}

const FIRST_WAIT = 250;
const LONGEST_WAIT = 8_000;

/** Owns the connection, from its creation until it is closed. */
export class FeedSocket {
  status: FeedStatus = 'connecting';
  readonly #open: (cursor: string | undefined) => WebSocket;
  readonly #listener: FeedListener;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = FIRST_WAIT;
  /** The place after the last message. A server that starts again knows it not, and tells of a gap. */
  #cursor: string | undefined;

  constructor(open: (cursor: string | undefined) => WebSocket, listener: FeedListener) {
    this.#open = open;
    this.#listener = listener;
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #connect(): void {
    const socket = this.#open(this.#cursor);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#hear(data);
    });
    // An error is followed by this, too.
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #hear(text: unknown): void {
    const { event, cursor, data } = messageOf(text);
    if (typeof event !== 'string') return;
    if (typeof cursor === 'string') this.#cursor = cursor;
    if (event === 'hello') {
      this.#wait = FIRST_WAIT;
      this.#become('live');
    }
    this.#listener.message({ event, data });
  }

  #lost(): void {
    this.#become('waiting');
    this.#timer = setTimeout(() => this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  #become(status: FeedStatus): void {
    this.status = status;
    this.#listener.changed();
  }
}

interface Message {
  readonly event?: unknown;
  readonly cursor?: unknown;
  readonly data?: unknown;
}

/** The members of a message; none of what is no message. */
function messageOf(text: unknown): Message {
  try {
    return (JSON.parse(String(text)) as Message | null) ?? {};
  } catch {
    return {};
  }
}
