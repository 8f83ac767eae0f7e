/** The requests of the other side, from their frame to their answer. */
import { createSharedError } from '../contract/errors.js';
import { asPromise } from '../contract/schema.js';
import { cancelSource, isStreamSource } from '../contract/stream.js';
import { errorToWire } from '../contract/wire-error.js';
import { Kind } from './frames.js';
import { Inbound, type InboundWire } from './inbound.js';
import type { LinkParts } from './link-parts.js';
import { MAX_WAITING } from './send-limits.js';
import { unreadable, unsendable } from './value.js';

/** Owns the requests that are being answered. */
export class ServedRequests {
  readonly #parts: LinkParts;
  readonly #breach: (reason: string) => void;
  readonly #inbound = new Map<number, Inbound>();
  readonly #wire: InboundWire = {
    progress: (sequence, value) => {
      if (!this.#parts.outbox.closed) this.#parts.outbox.progress(sequence, value);
    },
    feeds: (streams) => streams.some((stream) => this.#parts.streams.feeds(stream)),
  };

  /** @param breach called when the other side breaks the protocol. */
  constructor(parts: LinkParts, breach: (reason: string) => void) {
    this.#parts = parts;
    this.#breach = breach;
  }

  /** Those that are being answered. */
  get size(): number {
    return this.#inbound.size;
  }

  /**
   * Takes the frame of a request.
   *
   * @param received when its message arrived, in milliseconds of the monotonic clock.
   */
  take(
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    at: number,
    received: number,
  ): void {
    const { options, carried, values } = this.#parts;
    const target = message[index + 1];
    if (typeof target !== 'number' || this.#inbound.has(sequence))
      return this.#breach('a request without a target, or twice');
    let input: unknown;
    try {
      if (this.#inbound.size >= MAX_WAITING)
        throw createSharedError(
          'call/overloaded',
          `too many calls wait for an answer: ${MAX_WAITING}`,
          { plugin: options.plugin },
        );
      input = values.read(form, message, at, carried);
      options.admit?.(input);
    } catch (error) {
      options.count?.();
      carried.refused();
      this.#fail(sequence, error);
      return;
    }
    this.serve(sequence, target, message[index + 2], input, received);
  }

  /** Answers a request. */
  serve(sequence: number, target: number, meta: unknown, input: unknown, received: number): void {
    const { options, carried } = this.#parts;
    const inbound = new Inbound(this.#wire, sequence, received);
    inbound.streams = carried.taken();
    let result: unknown;
    let promise: Promise<unknown> | undefined;
    try {
      result = options.serve(target, input, meta, inbound);
      promise = asPromise(result);
    } catch (error) {
      inbound.end(undefined);
      options.onFailed?.(error, target);
      this.#fail(sequence, error);
      return;
    }
    if (promise === undefined) {
      this.#reply(inbound, result);
      return;
    }
    this.#inbound.set(sequence, inbound);
    promise.then(
      (value) => {
        if (this.#inbound.delete(sequence)) this.#reply(inbound, value);
        else {
          inbound.end(undefined);
          // The caller is gone. The source of a stream still has to be told.
          drop(value);
        }
      },
      (error) => {
        inbound.end(undefined);
        if (!this.#inbound.delete(sequence)) return;
        options.onFailed?.(error, target);
        this.#fail(sequence, error);
      },
    );
  }

  /** The caller has cancelled. @param late whether the call's deadline has passed. */
  cancel(sequence: number, late: boolean): void {
    this.#inbound
      .get(sequence)
      ?.abort(
        late
          ? createSharedError('call/timeout', 'the deadline of the call has passed')
          : createSharedError('call/cancelled', 'the caller cancelled the call'),
      );
  }

  /** See `Link.endServed`. */
  endAbout(over: (about: string) => Error | undefined): void {
    for (const [sequence, inbound] of [...this.#inbound]) {
      const error = inbound.about === undefined ? undefined : over(inbound.about);
      if (error === undefined || !this.#inbound.delete(sequence)) continue;
      inbound.abort(error);
      this.#fail(sequence, error);
    }
    this.#parts.carried.endLent(over);
  }

  /** The link is closed: no answer is sent any more. */
  close(error: Error): void {
    const inbound = [...this.#inbound.values()];
    this.#inbound.clear();
    for (const one of inbound) one.abort(error);
  }

  #reply(inbound: Inbound, value: unknown): void {
    const { options, carried, direct, outbox, streams } = this.#parts;
    const { sequence } = inbound;
    if (outbox.closed) {
      drop(value);
      return inbound.end(undefined);
    }
    try {
      const receiver = direct.open;
      if (receiver === undefined) outbox.value(Kind.reply, sequence, value, inbound.moves);
      else {
        const copy = direct.copy(value, carried, receiver.answerTo(sequence));
        receiver.settle(sequence, true, copy);
      }
    } catch (error) {
      carried.unsent();
      inbound.end(undefined);
      this.#fail(sequence, unsendable(unreadable(error), 'the answer', { side: 'provider' }));
      return;
    }
    const lent = carried.answeredWith(inbound.about);
    const { around } = options;
    if (lent !== undefined && around !== undefined)
      for (const stream of lent) streams.runBy(stream, (run) => around(inbound, run));
    inbound.end(lent);
  }

  #fail(sequence: number, error: unknown): void {
    const { options, values, direct, outbox } = this.#parts;
    const wire = errorToWire(error, options.stacks, values.encode);
    const receiver = direct.open;
    if (receiver === undefined) outbox.push(Kind.error, sequence, wire);
    else receiver.settle(sequence, false, wire);
  }
}

/** Tells the source of a stream that nothing reads it. Reading a value of a plugin may throw. */
function drop(value: unknown): void {
  try {
    if (isStreamSource(value)) cancelSource(value).catch(() => {});
  } catch {
    // It is no stream.
  }
}
