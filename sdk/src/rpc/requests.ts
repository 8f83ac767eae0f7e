/** The requests of this side: each settles exactly once, at the latest when the link closes. */
import type { PluginError } from '../contract/errors.js';
import type { Accepted } from './carried-streams.js';
import { nested } from './direct-path.js';
import type { DirectReceiver } from './endpoint.js';
import { Form, Kind } from './frames.js';
import type { Reply } from './link-options.js';
import type { LinkParts } from './link-parts.js';
import { PendingTable } from './pending.js';
import type { StreamDoor } from './stream-door.js';
import { unreadable } from './value.js';

/** Most cancelled requests that are remembered while the other side still works on them. */
const MAX_CANCELLED = 1_024;

/** Owns the requests that the other side works for. */
export class Requests {
  /** Replies that arrived after their call had ended by time-out or cancel. */
  lateReplies = 0;
  readonly #parts: LinkParts;
  readonly #breach: (reason: string) => void;
  readonly #pending = new PendingTable<Reply>();
  /** Requests that have their answer while its streams still flow, by sequence. */
  readonly #streaming = new Map<
    number,
    { readonly reply: Reply; readonly readers: readonly Accepted[] }
  >();
  /** Cancelled requests that the other side still works on, by sequence. */
  readonly #cancelled = new Map<number, Reply>();

  /** @param breach called when the other side answers what was never asked. */
  constructor(parts: LinkParts, breach: (reason: string) => void) {
    this.#parts = parts;
    this.#breach = breach;
  }

  /** Those that wait for an answer. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether a request waits for its answer. */
  waits(sequence: number): boolean {
    return this.#pending.get(sequence) !== undefined;
  }

  /** @throws as `Link.request`. */
  send(target: number, input: unknown, meta: unknown, reply: Reply, move: boolean): void {
    const { outbox, carried, direct } = this.#parts;
    const sequence = this.#pending.add(reply);
    reply.sequence = sequence;
    try {
      const receiver = direct.open;
      if (receiver !== undefined)
        return this.#sendDirectly(receiver, sequence, target, meta, input);
      outbox.request(Kind.request, sequence, target, meta, input, move);
    } catch (error) {
      this.#pending.take(sequence);
      carried.unsent();
      throw unreadable(error);
    }
    carried.sentWith(sequence);
  }

  /** See `Link.cancel`. */
  cancel(sequence: number, late: boolean): void {
    const reply = this.#pending.take(sequence);
    if (reply === undefined) return;
    if (this.#cancelled.size >= MAX_CANCELLED)
      for (const oldest of [...this.#cancelled.keys()].slice(0, MAX_CANCELLED / 2))
        this.#cancelled.delete(oldest);
    this.#cancelled.set(sequence, reply);
    this.#parts.carried.failed(sequence);
    this.#parts.outbox.cancel(sequence, late);
    this.checkIdle();
  }

  /** See `Link.worksFor`. */
  worksFor(sequence: number): Reply | undefined {
    return (
      this.#pending.get(sequence) ??
      this.#streaming.get(sequence)?.reply ??
      this.#cancelled.get(sequence)
    );
  }

  /** All requests that the other side works for. */
  open(): readonly Reply[] {
    return [
      ...this.#pending.all(),
      ...[...this.#streaming.values()].map(({ reply }) => reply),
      ...this.#cancelled.values(),
    ];
  }

  takeReply(sequence: number, form: number, message: readonly unknown[], at: number): void {
    const { carried, values, options } = this.#parts;
    const pending = this.#pending.get(sequence);
    const late = pending === undefined;
    let value: unknown;
    carried.owner = pending?.caller;
    try {
      // A late answer is read only for its streams: their sources must be told that they are not
      // wanted.
      if (!late || form === Form.marked) value = values.read(form, message, at, carried);
      if (!late) options.admit?.(value);
    } catch (error) {
      carried.refused();
      this.fail(sequence, error);
      return;
    }
    if (late) carried.refused();
    else this.#takeStreams(sequence);
    this.settle(sequence, true, value);
  }

  takeProgress(sequence: number, form: number, message: readonly unknown[], at: number): void {
    const { values, options } = this.#parts;
    options.count?.();
    try {
      const value = values.read(form, message, at, undefined);
      if (values.admits(value)) this.#pending.get(sequence)?.progress?.(value);
    } catch (error) {
      options.onRefused?.(error as PluginError);
    }
  }

  /** Where the streams of an answer go; {@link settleDirectly} is called next. */
  answerTo(sequence: number): StreamDoor {
    const { carried } = this.#parts;
    carried.owner = this.#pending.get(sequence)?.caller;
    return carried;
  }

  /** An answer of the other end in this thread. */
  settleDirectly(sequence: number, ok: boolean, value: unknown): void {
    // The streams in a late answer are not wanted; those in any other belong to its request.
    if (this.waits(sequence)) this.#takeStreams(sequence);
    else this.#parts.carried.refused();
    this.settle(sequence, ok, value);
  }

  /** An answer: a value, or the record of an error. */
  settle(sequence: number, ok: boolean, value: unknown): void {
    const { carried, values, options } = this.#parts;
    const reply = this.#pending.take(sequence);
    if (reply === undefined) {
      // A late reply after a cancel, or a forged one; both are harmless. A sequence that was never
      // used is a breach.
      if (sequence > this.#pending.last || sequence === 0)
        this.#breach('a reply to a call that was never made');
      else {
        this.lateReplies += 1;
        this.#cancelled.delete(sequence);
      }
      return;
    }
    if (ok) {
      carried.answered(sequence);
      reply.settle(true, value);
    } else {
      carried.failed(sequence);
      const error = values.error(value);
      const viewed = options.view?.(error);
      if (viewed === undefined) reply.settle(false, error);
      else void viewed.then(() => reply.settle(false, error));
    }
    this.checkIdle();
  }

  /** Ends a request whose frame could not be sent, or whose answer can't be taken. */
  fail(sequence: number, error: unknown): void {
    this.#parts.carried.failed(sequence);
    this.#pending.take(sequence)?.settle(false, error);
    this.checkIdle();
  }

  /** Some streams have ended. */
  streamsEnded(): void {
    for (const [sequence, { readers }] of this.#streaming)
      if (readers.every(({ over }) => over)) this.#streaming.delete(sequence);
    this.checkIdle();
  }

  checkIdle(): void {
    if (this.#pending.size === 0) this.#parts.options.onIdle?.();
  }

  /** Forgets requests without settling them; see `Link.abandon`. */
  abandon(): void {
    this.#pending.clear();
  }

  close(error: Error): void {
    this.#streaming.clear();
    this.#cancelled.clear();
    for (const reply of this.#pending.clear()) reply.settle(false, error);
  }

  #sendDirectly(
    receiver: DirectReceiver,
    sequence: number,
    target: number,
    meta: unknown,
    input: unknown,
  ): void {
    const { outbox, carried, direct } = this.#parts;
    const copy = direct.copy(input, carried, receiver.streams);
    carried.sentWith(sequence);
    outbox.passed(sequence);
    nested(() => receiver.request(sequence, target, meta, copy));
  }

  /** The streams of an answer belong to its caller. Their sources still work for the request. */
  #takeStreams(sequence: number): void {
    const readers = this.#parts.carried.taken();
    const reply = this.#pending.get(sequence);
    if (readers !== undefined && reply !== undefined)
      this.#streaming.set(sequence, { reply, readers });
  }
}
