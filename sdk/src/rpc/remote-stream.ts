/** A stream whose source is on the other side. */
import { createSharedError } from '../contract/errors.js';
import { Fifo } from './fifo.js';
import { type StreamWire, WINDOW } from './stream-wire.js';

/**
 * A stream that the other side feeds. To be read once, by one reader. Leaving the loop, or
 * {@link cancel}, tells the other side to stop.
 */
export class RemoteStream implements AsyncIterable<unknown> {
  /** Called when reading begins. */
  onRead: (() => void) | undefined;
  readonly #stream: number;
  readonly #wire: StreamWire;
  readonly #forget: () => void;
  readonly #items = new Fifo<unknown>();
  readonly #waiting = new Fifo<{
    resolve(result: IteratorResult<unknown>): void;
    reject(error: unknown): void;
  }>();
  #granted = 0;
  #received = 0;
  #taken = 0;
  #reading = false;
  #unfollow: (() => void) | undefined;
  #end: { readonly error: unknown } | undefined;

  constructor(stream: number, wire: StreamWire, forget: () => void) {
    this.#stream = stream;
    this.#wire = wire;
    this.#forget = forget;
  }

  /** @throws PluginValidationError `stream/locked` when it is already being read. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    if (this.#reading)
      throw createSharedError('stream/locked', 'a stream can be read once, by one reader');
    this.#reading = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  /** Stops the stream: buffered items are dropped, and its source is told. */
  async cancel(): Promise<void> {
    this.#reading = true;
    this.#stop();
  }

  get over(): boolean {
    return this.#end !== undefined;
  }

  /** Ends the stream when the signal of its call aborts. */
  follow(signal: AbortSignal): void {
    const onAbort = () => {
      // A cancelled stream yields nothing more, not even items that have arrived.
      this.#items.clear();
      this.fail(
        createSharedError(
          'call/cancelled',
          'the caller cancelled the call that this stream belongs to',
          { cause: signal.reason },
        ),
      );
    };
    if (signal.aborted) onAbort();
    else if (this.#end === undefined) {
      signal.addEventListener('abort', onAbort, { once: true });
      this.#unfollow = () => signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the stream with an error from this side. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#wire.stop(this.#stream);
    this.finish(error);
  }

  /** For the link: an item has arrived. */
  push(value: unknown): boolean {
    this.#received += 1;
    if (this.#received > this.#granted) return false;
    if (this.#end !== undefined) return true;
    const reader = this.#waiting.shift();
    if (reader === undefined) this.#items.push(value);
    else {
      this.#take();
      reader.resolve({ done: false, value });
    }
    return true;
  }

  /** For the link: the source has ended. */
  finish(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#forget();
    this.#unfollow?.();
    for (let reader = this.#waiting.shift(); reader !== undefined; reader = this.#waiting.shift()) {
      if (error !== undefined) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
    }
  }

  #next(): Promise<IteratorResult<unknown>> {
    if (this.#items.size > 0) {
      const value = this.#items.shift();
      this.#take();
      return Promise.resolve({ done: false, value });
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      // An iterator throws once and is then done.
      this.#end = { error: undefined };
      return error !== undefined
        ? Promise.reject(error)
        : Promise.resolve({ done: true, value: undefined });
    }
    if (this.#granted === 0) this.#grant(WINDOW);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #return(): Promise<IteratorResult<unknown>> {
    this.#stop();
    return { done: true, value: undefined };
  }

  #stop(): void {
    this.#items.clear();
    if (this.#end !== undefined) return;
    this.#wire.stop(this.#stream);
    this.finish(undefined);
  }

  #take(): void {
    this.#taken += 1;
    if (this.#end === undefined && this.#granted - this.#taken <= WINDOW / 2)
      this.#grant(this.#taken + WINDOW);
  }

  #grant(items: number): void {
    this.onRead?.();
    this.#granted = items;
    this.#wire.pull(this.#stream, items);
  }
}
