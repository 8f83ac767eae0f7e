/** Bodies that plugins read while they arrive: uploads, and the messages of WebSockets. */
import { type Socket, type SocketListener, upgradeOf } from './connection.js';
import type { Exchange, Parts } from './exchange.js';
import { bytesOf, inTime } from './stream.js';

/** Characters or bytes that wait for the plugin before the connection is read no further. */
const MOST_WAITING = 262_144;
/** Messages that do. */
const MOST_MESSAGES = 16;
/** The subprotocol. A client that offers `bearer.<token>` offers it, too. */
const PROTOCOL = 'plinth.socket';
/** Codes of WebSockets. */
const DONE = 1000;
const AWAY = 1001;
const FAILED = 1011;

/**
 * The body of a request, part by part. It fails when a part is late, or there is too much.
 *
 * @param failed called with the reason, before it fails.
 */
export async function* uploadOf(
  { body }: Request,
  { upload, timeout }: { readonly upload: number; readonly timeout: number },
  failed: (why: 'large' | 'slow') => void,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), timeout).catch((error) => {
        failed('slow');
        throw error;
      });
      if (done) return;
      size += value.byteLength;
      if (size > upload) {
        failed('large');
        throw new RangeError(`a body has at most ${upload} bytes`);
      }
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** A WebSocket that its plugin may open. */
export class LiveSocket {
  readonly #request: Request;
  readonly #parts: Parts;
  readonly #free: () => void;
  readonly #protocol: string | undefined;
  readonly #waiting: (string | Uint8Array)[] = [];
  #wake: () => void = () => {};
  #size = 0;
  #over = false;
  #resume: (() => void) | undefined;

  /** @throws Refusal 503. */
  constructor(request: Request, parts: Parts) {
    const offered = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/) ?? [];
    this.#protocol = offered.includes(PROTOCOL) ? PROTOCOL : undefined;
    this.#request = request;
    this.#parts = parts;
    this.#free = parts.lasting.reserve();
  }

  /** What the client sends, for the plugin. */
  async *messages(): AsyncGenerator<string | Uint8Array> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message !== undefined) {
          this.#size -= message.length;
          yield message;
        } else {
          if (this.#over) return;
          this.#resume?.();
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.end();
    }
  }

  /** Ends what the client sends. */
  end(): void {
    this.#over = true;
    this.#waiting.length = 0;
    this.#size = 0;
    this.#free();
    this.#wake();
  }

  /**
   * The response that opens it, when the plugin has answered with 101.
   *
   * @param ended called once, when the WebSocket has ended.
   */
  accept(body: AsyncIterable<unknown>, exchange: Exchange, ended: () => void): Response {
    const parts = body[Symbol.asyncIterator]();
    let open = true;
    const over = () => {
      if (!open) return;
      open = false;
      this.end();
      ended();
      Promise.resolve(parts.return?.()).catch(() => {});
    };
    exchange.held = true;
    return upgradeOf(this.#request, {
      protocol: this.#protocol,
      failed: over,
      open: (socket) => this.#open(socket, parts, over),
    });
  }

  #open(socket: Socket, parts: AsyncIterator<unknown>, over: () => void): SocketListener {
    const { lasting, settings } = this.#parts;
    const { timeout, answer } = settings.limits;
    this.#free();
    const end = (code: number, reason: string) => {
      socket.close(code, reason);
      over();
    };
    const remove = lasting.add((reason) => end(AWAY, reason));
    this.#resume = () => socket.resume();
    const pump = async () => {
      for (;;) {
        const { done, value } = await parts.next();
        if (done === true) return end(DONE, '');
        bytesOf(value, answer);
        await inTime(socket.send(value as string | Uint8Array), timeout);
      }
    };
    pump().catch(() => end(FAILED, 'the plugin failed, or the client is too slow'));
    return {
      message: (data) => {
        if (this.#over) return;
        this.#waiting.push(data);
        this.#size += data.length;
        if (this.#waiting.length >= MOST_MESSAGES || this.#size >= MOST_WAITING) socket.pause();
        this.#wake();
      },
      closed() {
        remove();
        over();
      },
    };
  }
}
