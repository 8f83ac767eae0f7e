/**
 * Streams over a link: an async iterable or a stream of the platform on one side, read item by item on the other.
 * The reader grants how many items may come; nothing is made before it has asked, and nothing waits in between beyond
 * that. Both ends let go when the stream ends, when its reader stops, and when the link closes.
 */
import { createSharedError } from '../contract/errors.js';
import { cancelSource, isStreamSource, iteratorOf } from '../contract/stream.js';
import { Fifo } from './fifo.js';
import type { StreamDoor } from './value.js';

/** Items a reader lets come ahead of what it has taken. */
const WINDOW = 16;
/** Streams of one direction of a link. */
const MAX_STREAMS = 1_024;

/** How stream frames leave. */
export interface StreamWire {
  /** Throws when the item can't cross. */
  item(stream: number, value: unknown): void;
  end(stream: number, error: unknown): void;
  pull(stream: number, items: number): void;
  stop(stream: number): void;
}

/** The streams of one side of a link: those it feeds, and those it reads. */
export class Streams implements StreamDoor {
  readonly isSource = isStreamSource;
  readonly #wire: StreamWire;
  readonly #feeds = new Map<number, Feed>();
  readonly #readers = new Map<number, RemoteStream>();
  #opened = 0;
  /** The highest number accepted. */
  #accepted = 0;

  readonly #onClosed: () => void;

  /** @param onClosed told when one has ended. */
  constructor(wire: StreamWire, onClosed: () => void) {
    this.#wire = wire;
    this.#onClosed = onClosed;
  }

  /** How many are open, both directions. */
  get size(): number {
    return this.#feeds.size + this.#readers.size;
  }

  #forget(streams: Map<number, unknown>, stream: number): void {
    if (streams.delete(stream)) this.#onClosed();
  }

  /** @throws PluginOverloadedError when too many are open. */
  open(source: object): number {
    if (this.#feeds.size >= MAX_STREAMS) throw createSharedError('call/overloaded', `too many streams are open: ${MAX_STREAMS}`);
    const stream = ++this.#opened;
    this.#feeds.set(stream, new Feed(stream, source, this.#wire, () => this.#forget(this.#feeds, stream)));
    return stream;
  }

  /** @throws PluginProtocolError when the number is in use, PluginOverloadedError when too many are open. */
  accept(stream: number): RemoteStream {
    if (this.#readers.has(stream)) throw createSharedError('wire/refused', 'refused a stream that was sent before');
    if (this.#readers.size >= MAX_STREAMS) throw createSharedError('call/overloaded', `too many streams are open: ${MAX_STREAMS}`);
    this.#accepted = Math.max(this.#accepted, stream);
    const reader = new RemoteStream(stream, this.#wire, () => this.#forget(this.#readers, stream));
    this.#readers.set(stream, reader);
    return reader;
  }

  /** Takes an item; false when the sender was not allowed to send it. */
  takeItem(stream: number, value: unknown): boolean {
    const reader = this.#readers.get(stream);
    // Nobody reads it any more: the item was on its way.
    if (reader === undefined) return stream <= this.#accepted;
    return reader.push(value);
  }

  /** Fails a stream whose item was refused. */
  failItem(stream: number, error: unknown): void {
    this.#readers.get(stream)?.fail(error);
  }

  takeEnd(stream: number, error: unknown): void {
    this.#readers.get(stream)?.finish(error);
  }

  takePull(stream: number, items: unknown): void {
    if (typeof items === 'number' && Number.isSafeInteger(items)) this.#feeds.get(stream)?.allow(items);
  }

  /** Stops feeding: the reader is gone, or the call that the stream was part of. */
  stopFeed(stream: number): void {
    this.#feeds.get(stream)?.stop();
  }

  /** Whether a stream of this side is still fed. */
  feeds(stream: number): boolean {
    return this.#feeds.has(stream);
  }

  /** Ends a stream of this side: its reader hears why. */
  failFeed(stream: number, error: Error): void {
    this.#feeds.get(stream)?.fail(error);
  }

  close(error: Error): void {
    for (const feed of [...this.#feeds.values()]) feed.stop();
    for (const reader of [...this.#readers.values()]) reader.finish(error);
  }
}

/** The sending end: runs the source as far as the reader has asked for. */
class Feed {
  readonly #stream: number;
  readonly #wire: StreamWire;
  readonly #source: object;
  readonly #forget: () => void;
  #iterator: AsyncIterator<unknown> | undefined;
  #allowed = 0;
  #sent = 0;
  #running = false;
  #over = false;

  constructor(stream: number, source: object, wire: StreamWire, forget: () => void) {
    this.#stream = stream;
    this.#source = source;
    this.#wire = wire;
    this.#forget = forget;
  }

  allow(items: number): void {
    if (items <= this.#allowed) return;
    // A reader can't ask for more than a window at once, whoever it is.
    this.#allowed = Math.min(items, this.#sent + WINDOW * 4);
    if (!this.#running && !this.#over) void this.#run();
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#release();
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#finish(error);
    this.#release();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      this.#iterator ??= iteratorOf(this.#source);
      while (this.#sent < this.#allowed && !this.#over) {
        const { done, value } = await this.#iterator.next();
        if (this.#over) break;
        if (done) {
          this.#finish(undefined);
          break;
        }
        this.#sent += 1;
        this.#wire.item(this.#stream, value);
      }
    } catch (error) {
      if (!this.#over) {
        this.#finish(error);
        this.#release();
      }
    }
    this.#running = false;
  }

  #finish(error: unknown): void {
    this.#over = true;
    this.#forget();
    this.#wire.end(this.#stream, error);
  }

  /** Lets the source clean up; what it does then is nobody's answer any more. */
  #release(): void {
    const release = async () => {
      if (this.#iterator !== undefined) await this.#iterator.return?.();
      else await cancelSource(this.#source);
    };
    release().catch(() => {});
  }
}

/**
 * A stream that another side feeds. To be read once, by one reader; breaking off the loop, or {@link cancel}, tells the
 * other side to stop.
 */
export class RemoteStream implements AsyncIterable<unknown> {
  readonly #stream: number;
  readonly #wire: StreamWire;
  readonly #forget: () => void;
  readonly #items = new Fifo<unknown>();
  readonly #waiting = new Fifo<{ resolve(result: IteratorResult<unknown>): void; reject(error: unknown): void }>();
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

  /** @throws PluginValidationError `stream/locked` when somebody reads it already. */
  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    if (this.#reading) throw createSharedError('stream/locked', 'a stream can be read once, by one reader');
    this.#reading = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  /** Stops the stream: what waits is dropped, and its source is told. */
  async cancel(): Promise<void> {
    this.#reading = true;
    this.#stop();
  }

  /** Ends the stream when the signal of the call that brought it aborts. */
  follow(signal: AbortSignal): void {
    const onAbort = () => {
      // Who cancels wants nothing more, not even what has come.
      this.#items.clear();
      this.fail(createSharedError('call/cancelled', 'the caller cancelled the call that this stream belongs to', { cause: signal.reason }));
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

  /** For the link: an item has come. */
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
      return error !== undefined ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
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
    if (this.#end === undefined && this.#granted - this.#taken <= WINDOW / 2) this.#grant(this.#taken + WINDOW);
  }

  #grant(items: number): void {
    this.#granted = items;
    this.#wire.pull(this.#stream, items);
  }
}
