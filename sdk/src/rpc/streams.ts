/**
 * Streams over a link: an async iterable or a platform stream on one side, read item by item on the
 * other. The reader grants how many items may come. Nothing is produced before it asks, and nothing
 * beyond the grant is buffered. Both ends are released when the stream ends, when its reader stops,
 * and when the link closes.
 */
import { createSharedError } from '../contract/errors.js';
import { cancelSource, isStreamSource, iteratorOf } from '../contract/stream.js';
import { RemoteStream } from './remote-stream.js';
import type { StreamDoor } from './stream-door.js';
import {
  type Around,
  MAX_PER_CALLER,
  MAX_STREAMS,
  type StreamWire,
  type WatchUnread,
  WINDOW,
} from './stream-wire.js';

/** Items after which a turn of the event loop is asked for, and after which it is waited for. */
const SOON = 256;
const NOW = 1_024;

/**
 * Lets the event loop have its turns. Both ends of a stream may be on one thread: then items go to
 * and fro in microtasks alone, and an endless one would keep every timer from firing.
 */
class Pace {
  readonly #defer: (task: () => void) => void;
  #items = 0;
  #turn: Promise<void> | undefined;

  constructor(defer: (task: () => void) => void) {
    this.#defer = defer;
  }

  /** Counts an item. The answer, where there is one, is waited for before the next item. */
  step(): Promise<void> | undefined {
    this.#items += 1;
    if (this.#items < SOON) return undefined;
    this.#turn ??= new Promise((resolve) =>
      this.#defer(() => {
        this.#items = 0;
        this.#turn = undefined;
        resolve();
      }),
    );
    return this.#items < NOW ? undefined : this.#turn;
  }
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
  readonly #watch: WatchUnread | undefined;
  readonly #pace: Pace;
  /** Number of open streams per caller. */
  readonly #owned = new WeakMap<object, number>();

  /**
   * @param onClosed called when one has ended.
   * @param defer runs a task after the event loop had a turn.
   * @param watch watches streams that are not read yet.
   */
  constructor(
    wire: StreamWire,
    onClosed: () => void,
    defer: (task: () => void) => void,
    watch?: WatchUnread,
  ) {
    this.#pace = new Pace(defer);
    this.#wire = wire;
    this.#onClosed = onClosed;
    this.#watch = watch;
  }

  /** Number of open streams, both directions. */
  get size(): number {
    return this.#feeds.size + this.#readers.size;
  }

  /** Adds a stream until it ends. */
  #add<S extends Feed | RemoteStream>(
    streams: Map<number, S>,
    stream: number,
    make: (forget: () => void) => S,
    owner?: object,
  ): S {
    const made = make(() => {
      if (!streams.delete(stream)) return;
      made.onRead?.();
      if (owner !== undefined) this.#owned.set(owner, this.#ownedBy(owner) - 1);
      this.#onClosed();
    });
    streams.set(stream, made);
    if (owner !== undefined) this.#owned.set(owner, this.#ownedBy(owner) + 1);
    made.onRead = this.#watch?.(made);
    return made;
  }

  #ownedBy(owner: object | undefined): number {
    return (owner && this.#owned.get(owner)) ?? 0;
  }

  /** @throws PluginOverloadedError when too many are open; the source is told. */
  open(source: object): number {
    if (this.#feeds.size >= MAX_STREAMS) {
      cancelSource(source).catch(() => {});
      throw tooMany(MAX_STREAMS);
    }
    const stream = ++this.#opened;
    this.#add(
      this.#feeds,
      stream,
      (forget) => new Feed(stream, source, this.#wire, this.#pace, forget),
    );
    return stream;
  }

  /**
   * @param owner the stream's owner: streams of one owner are counted together.
   * @throws PluginProtocolError when the number is in use, PluginOverloadedError when too many are
   * open; the source is told.
   */
  accept(stream: number, owner?: object): RemoteStream {
    if (this.#readers.has(stream))
      throw createSharedError('wire/refused', 'refused a stream that was sent before');
    this.#accepted = Math.max(this.#accepted, stream);
    if (this.#readers.size >= MAX_STREAMS || this.#ownedBy(owner) >= MAX_PER_CALLER) {
      this.#wire.stop(stream);
      throw tooMany(MAX_PER_CALLER);
    }
    return this.#add(
      this.#readers,
      stream,
      (forget) => new RemoteStream(stream, this.#wire, forget),
      owner,
    );
  }

  /** Takes an item; false when the sender was not allowed to send it. */
  takeItem(stream: number, value: unknown): boolean {
    const reader = this.#readers.get(stream);
    // The reader is gone; the item was on its way.
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
    if (typeof items === 'number' && Number.isSafeInteger(items))
      this.#feeds.get(stream)?.allow(items);
  }

  /** Stops feeding: the reader is gone, or the call that the stream was part of. */
  stopFeed(stream: number): void {
    this.#feeds.get(stream)?.stop();
  }

  /** Runs the source of a stream through a function of its owner. */
  runBy(stream: number, around: Around): void {
    this.#feeds.get(stream)?.runBy(around);
  }

  /** Whether a stream of this side is still fed. */
  feeds(stream: number): boolean {
    return this.#feeds.has(stream);
  }

  /** Ends a stream of this side. Its reader gets the reason. */
  failFeed(stream: number, error: Error): void {
    this.#feeds.get(stream)?.fail(error);
  }

  close(error: Error): void {
    for (const feed of [...this.#feeds.values()]) feed.stop();
    for (const reader of [...this.#readers.values()]) reader.finish(error);
  }
}

const tooMany = (most: number) =>
  createSharedError('call/overloaded', `too many streams are open: ${most}`);

/** The sending end: runs the source as far as the reader has granted. */
class Feed {
  /** Called when reading begins. */
  onRead: (() => void) | undefined;
  readonly #stream: number;
  readonly #wire: StreamWire;
  readonly #source: object;
  readonly #pace: Pace;
  readonly #forget: () => void;
  #iterator: AsyncIterator<unknown> | undefined;
  #around: Around = (run) => run();
  #allowed = 0;
  #sent = 0;
  #running = false;
  #over = false;

  constructor(stream: number, source: object, wire: StreamWire, pace: Pace, forget: () => void) {
    this.#pace = pace;
    this.#stream = stream;
    this.#source = source;
    this.#wire = wire;
    this.#forget = forget;
  }

  allow(items: number): void {
    if (items <= this.#allowed) return;
    this.onRead?.();
    // Limits a dishonest reader, which could grant more than a window at once.
    this.#allowed = Math.min(items, this.#sent + WINDOW * 4);
    if (!this.#running && !this.#over) void this.#run();
  }

  runBy(around: Around): void {
    this.#around = around;
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#release();
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#finish(error);
    this.#release();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      this.#iterator ??= this.#around(() => iteratorOf(this.#source));
      const iterator = this.#iterator;
      const next = () => iterator.next();
      while (this.#sent < this.#allowed && !this.#over) {
        const { done, value } = await this.#around(next);
        if (this.#over) break;
        if (done) {
          this.#finish(undefined);
          break;
        }
        this.#sent += 1;
        this.#wire.item(this.#stream, value);
        const turn = this.#pace.step();
        if (turn !== undefined) await turn;
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

  /** Lets the source clean up. What it throws then is ignored. */
  #release(): void {
    const release = async () => {
      if (this.#iterator !== undefined) await this.#iterator.return?.();
      else await cancelSource(this.#source);
    };
    release().catch(() => {});
  }
}
