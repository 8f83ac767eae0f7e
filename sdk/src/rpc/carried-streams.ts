/**
 * Tracks which streams of a link travel with which value, and what ends them: for a request its
 * failure; for an answer, that what it is about may not continue. The streams of the current value
 * are noted while it is written or read.
 */

import type { StreamDoor } from './stream-door.js';
import type { Streams } from './streams.js';

/** An incoming stream. */
export interface Accepted {
  /** Whether it has ended. */
  readonly over: boolean;
  cancel(): Promise<void>;
}

/** Outgoing answer streams after which ended ones are looked for. */
const MAX_ANSWER_STREAMS = 64;

/** The stream door of a link, with a record of which value used it. */
export class CarriedStreams implements StreamDoor {
  readonly #streams: Streams;
  #opened: number[] | undefined;
  #accepted: Accepted[] | undefined;
  /** Streams sent with a request, until it is answered. */
  readonly #requestStreams = new Map<number, readonly number[]>();
  /**
   * Streams sent with answers, by what the answers are about. Ended ones are removed now and then.
   */
  #answerStreams: { readonly about: string; readonly streams: readonly number[] }[] = [];

  /** The receiver of the current answer: its streams count against that caller. */
  owner: object | undefined = undefined;

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
    const reader = this.#streams.accept(stream, this.owner);
    this.#accepted ??= [];
    this.#accepted.push(reader);
    return reader;
  }

  /** The current value was a request. */
  sentWith(sequence: number): void {
    const opened = this.#takeOpened();
    if (opened !== undefined) this.#requestStreams.set(sequence, opened);
  }

  /** The current value was an answer. Returns its streams. */
  answeredWith(about: string | undefined): readonly number[] | undefined {
    const opened = this.#takeOpened();
    if (opened === undefined) return undefined;
    if (about !== undefined) {
      if (this.#answerStreams.length >= MAX_ANSWER_STREAMS) this.#removeEnded();
      this.#answerStreams.push({ about, streams: opened });
    }
    return opened;
  }

  /** The current value could not be sent. */
  unsent(): void {
    this.#stop(this.#takeOpened());
  }

  /** Hands the streams of the current value to its receiver. */
  taken(): readonly Accepted[] | undefined {
    const accepted = this.#accepted;
    this.#accepted = undefined;
    this.owner = undefined;
    return accepted;
  }

  /** The current value is not wanted: the sources of its streams are told. */
  refused(): void {
    for (const stream of this.taken() ?? []) void stream.cancel();
  }

  /** A request has its answer: its streams end by themselves. */
  answered(sequence: number): void {
    this.#requestStreams.delete(sequence);
  }

  /** A request ended without an answer. */
  failed(sequence: number): void {
    if (this.#requestStreams.size === 0) return;
    const fed = this.#requestStreams.get(sequence);
    this.#requestStreams.delete(sequence);
    this.#stop(fed);
  }

  /**
   * Ends streams that went out with answers about something that may not continue. Their readers
   * get the reason.
   */
  endLent(over: (about: string) => Error | undefined): void {
    for (const { about, streams } of this.#answerStreams) {
      const error = over(about);
      if (error !== undefined) for (const stream of streams) this.#streams.failFeed(stream, error);
    }
    this.#removeEnded();
  }

  #removeEnded(): void {
    this.#answerStreams = this.#answerStreams.filter(({ streams }) =>
      streams.some((stream) => this.#streams.feeds(stream)),
    );
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
