/**
 * Which streams of a link travel with which value, and whose end is theirs: a request's end with its failure, an answer's
 * when what it is about may not go on. Those of the value in hand are noted while it is written or read.
 */
import type { Streams } from './streams.js';
import type { StreamDoor } from './value.js';

/** A stream that came in. */
interface Accepted {
  cancel(): Promise<void>;
}

/** Streams that went out with answers, after which it is looked which of them have ended. */
const MAX_LENT = 64;

/** The door that values of a link take their streams through, with a memory. */
export class CarriedStreams implements StreamDoor {
  readonly #streams: Streams;
  #opened: number[] | undefined;
  #accepted: Accepted[] | undefined;
  /** Those that went out with a request, until it is answered. */
  readonly #fed = new Map<number, readonly number[]>();
  /** Those that went out with answers, by what these were about; what has ended is forgotten now and then. */
  #lent: { readonly about: string; readonly streams: readonly number[] }[] = [];

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  isSource(value: object): boolean {
    return this.#streams.isSource(value);
  }

  open(source: object): number {
    const stream = this.#streams.open(source);
    this.#opened ??= [];
    this.#opened.push(stream);
    return stream;
  }

  accept(stream: number): object {
    const reader = this.#streams.accept(stream);
    this.#accepted ??= [];
    this.#accepted.push(reader);
    return reader;
  }

  /** The value in hand was a request. */
  sentWith(sequence: number): void {
    const opened = this.#takeOpened();
    if (opened !== undefined) this.#fed.set(sequence, opened);
  }

  /** The value in hand was an answer; whether it had streams. */
  answeredWith(about: string | undefined): boolean {
    const opened = this.#takeOpened();
    if (opened === undefined) return false;
    if (about !== undefined) {
      if (this.#lent.length >= MAX_LENT) this.#forgetLent();
      this.#lent.push({ about, streams: opened });
    }
    return true;
  }

  /** The value in hand could not be sent. */
  unsent(): void {
    this.#stop(this.#takeOpened());
  }

  /** Those that came with the value in hand are the receiver's from now on. */
  taken(): readonly Accepted[] | undefined {
    const accepted = this.#accepted;
    this.#accepted = undefined;
    return accepted;
  }

  /** Nobody wants the value in hand: the sources of its streams hear of it. */
  refused(): void {
    for (const stream of this.taken() ?? []) void stream.cancel();
  }

  /** A request has its answer: its streams end by themselves. */
  answered(sequence: number): void {
    this.#fed.delete(sequence);
  }

  /** A request is over without an answer. */
  failed(sequence: number): void {
    if (this.#fed.size === 0) return;
    const fed = this.#fed.get(sequence);
    this.#fed.delete(sequence);
    this.#stop(fed);
  }

  /** Ends those that went out with answers about what may not go on; their readers hear why. */
  endLent(over: (about: string) => Error | undefined): void {
    for (const { about, streams } of this.#lent) {
      const error = over(about);
      if (error !== undefined) for (const stream of streams) this.#streams.failFeed(stream, error);
    }
    this.#forgetLent();
  }

  #forgetLent(): void {
    this.#lent = this.#lent.filter(({ streams }) => streams.some((stream) => this.#streams.feeds(stream)));
  }

  #stop(streams: readonly number[] | undefined): void {
    for (const stream of streams ?? []) this.#streams.stopFeed(stream);
  }

  #takeOpened(): readonly number[] | undefined {
    const opened = this.#opened;
    this.#opened = undefined;
    return opened;
  }
}
