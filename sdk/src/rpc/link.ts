/**
 * The link between a kernel and one guest: calls, one-way notes, streams and the control plane,
 * multiplexed in order over one endpoint, one message a turn. Both sides run this file.
 *
 * Guarantees: requests, notes and control messages of one side arrive in the order they were sent.
 * Each request settles exactly once, at the latest when the link closes. A value that can't be sent
 * fails only its own call. A malformed message never throws out of here.
 */
import { createSharedError } from '../contract/errors.js';
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import { ControlCalls } from './control-calls.js';
import type { MessageEventLike } from './endpoint.js';
import { Kind } from './frames.js';
import { Inbox } from './inbox.js';
import { IncomingFrames } from './incoming-frames.js';
import { IncomingValues } from './incoming-values.js';
import type { LinkOptions, Reply } from './link-options.js';
import type { LinkParts } from './link-parts.js';
import { createLinkParts, directReceiver } from './link-wiring.js';
import type { NoteQueue } from './note-queue.js';
import { Requests } from './requests.js';
import { ServedRequests } from './served-requests.js';
import { ShapeReader } from './shape-reader.js';
import { SharedValue } from './shared-value.js';

const DEFAULT_BUDGET = 64;

/** One side of the wire; see the file comment for its guarantees. */
export class Link {
  readonly #parts: LinkParts;
  readonly #inbox: Inbox;
  readonly #requests: Requests;
  readonly #served: ServedRequests;
  readonly #control: ControlCalls;
  readonly #listener = (event: MessageEventLike) => this.#inbox.receive(event.data);
  #closed: Error | undefined;
  /** Whether this side has ended; see {@link abandon}. */
  abandoned = false;

  constructor(options: LinkOptions) {
    const { endpoint } = options;
    const shapes = new ShapeReader();
    const values = new IncomingValues(options, shapes);
    this.#parts = createLinkParts(options, values, () => ({
      requests: this.#requests,
      control: this.#control,
    }));
    const breach = (reason: string) => this.#breach(reason);
    this.#requests = new Requests(this.#parts, breach);
    this.#served = new ServedRequests(this.#parts, breach);
    this.#control = new ControlCalls(options, this.#parts.outbox);
    const frames = new IncomingFrames({
      link: this.#parts,
      requests: this.#requests,
      served: this.#served,
      control: this.#control,
      breach,
    });
    const { budget = DEFAULT_BUDGET, defer, walked } = options;
    this.#inbox = new Inbox(frames, shapes, budget, defer, walked);
    this.bound(options.bounds ?? DEFAULT_BOUNDS);
    this.#parts.direct.listen(
      directReceiver(this.#parts, this.#requests, this.#served, this.#inbox),
    );
    endpoint.addEventListener('message', this.#listener);
    endpoint.start?.();
  }

  /** How large a value may be. */
  get bounds(): ValueBounds {
    return this.#parts.values.bounds;
  }

  /** Replies that arrived after their call had ended by time-out or cancel. */
  get lateReplies(): number {
    return this.#requests.lateReplies;
  }

  /**
   * Sets how large a value may be from now on, in either direction. What a kernel sends on the
   * control plane has no bounds.
   */
  bound(bounds: ValueBounds): void {
    const { values, outbox, options } = this.#parts;
    values.bounds = bounds;
    outbox.bounds = bounds;
    options.endpoint.bound?.(bounds);
  }

  /** Calls of this side that wait for an answer. */
  get pending(): number {
    return this.#requests.size;
  }

  /** Whether the other end is in this thread, so that no messages are needed. */
  get direct(): boolean {
    return this.#parts.options.endpoint.direct !== undefined;
  }

  /** Messages received so far: a sign of life. */
  get received(): number {
    return this.#inbox.received;
  }

  /** Messages posted so far. */
  get posted(): number {
    return this.#parts.outbox.posted;
  }

  /** Frames that wait for the other side's credit. */
  get waiting(): number {
    return this.#parts.outbox.waiting;
  }

  /** Whether something from the other side was not taken yet. */
  get untaken(): boolean {
    return this.#inbox.waiting;
  }

  /** Requests of the other side that are being answered. */
  get serving(): number {
    return this.#served.size;
  }

  /** Open streams, both directions. */
  get streams(): number {
    return this.#parts.streams.size;
  }

  /**
   * Sends a request. Its answer goes to `reply`, whose `sequence` cancels it.
   *
   * @param move whether the input's buffers may be moved because they are not used elsewhere.
   * @throws PluginValidationError when the input can't cross, PluginOverloadedError when too many
   * requests wait, or the error the link was closed with; `reply` is not used then.
   */
  request(target: number, input: unknown, meta: unknown, reply: Reply, move = false): void {
    if (this.#closed !== undefined) throw this.#closed;
    this.#requests.send(target, input, meta, reply, move);
  }

  /**
   * Sends a one-way note. Throws as {@link request} does.
   *
   * @param queue what happens when the other side is slow. Without one, a full link refuses the
   * note.
   * @returns a promise that resolves when there is room, if a blocking queue is full.
   */
  note(
    target: number,
    payload: unknown,
    meta: unknown,
    queue?: NoteQueue,
  ): Promise<void> | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    const { direct, outbox } = this.#parts;
    const receiver = direct.open;
    if (receiver !== undefined) {
      const own = payload instanceof SharedValue ? payload.value : payload;
      receiver.note(target, meta, direct.copy(own));
      return undefined;
    }
    if (queue !== undefined) return outbox.note(target, meta, payload, queue);
    outbox.request(Kind.note, 0, target, meta, payload);
    return undefined;
  }

  /**
   * Forgets a request and tells the other side. A later reply is dropped. The caller settles
   * itself.
   *
   * @param late whether its deadline has passed: the handler's signal then says so.
   */
  cancel(sequence: number, late = false): void {
    this.#requests.cancel(sequence, late);
  }

  /** Calls a control method of the other side; rejects when the link closes. */
  call(method: string, ...args: unknown[]): Promise<unknown> {
    if (this.abandoned) return new Promise(() => {});
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#control.call(method, args);
  }

  /**
   * A request that the other side still works for: it waits for its answer, its streams flow, or it
   * was cancelled but has not finished.
   */
  worksFor(sequence: number): Reply | undefined {
    return this.#requests.worksFor(sequence);
  }

  /** All requests that the other side works for. */
  open(): readonly Reply[] {
    return this.#requests.open();
  }

  /** A number for a text that is often sent to the other side; 0 when none is left. */
  nameOf(text: string): number {
    return this.#parts.outbox.nameOf(text);
  }

  /** The text for a number of the other side. */
  textOf(name: number): string | undefined {
    return this.#inbox.nameOf(name);
  }

  /** Sends a direct lane's event, perhaps with a port, in order with everything else. */
  sendLane(lane: number, what: unknown, port?: unknown): void {
    if (port === undefined) this.#parts.outbox.ordered(Kind.lane, lane, what, undefined);
    else if (this.#closed === undefined) this.#parts.outbox.postPort(Kind.lane, lane, what, port);
  }

  /**
   * Pauses reading from the other side until {@link release}. The other side runs out of credit;
   * nothing is lost.
   */
  hold(): void {
    this.#inbox.hold();
  }

  /** Resumes reading. */
  release(): void {
    this.#inbox.release();
  }

  /** Posts now what this turn has collected, instead of at its end. */
  flush(): void {
    this.#parts.outbox.flush();
  }

  /**
   * Ends the link: every pending call settles with `error`, every served one is aborted.
   * Idempotent.
   */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    const { options, direct, outbox, streams } = this.#parts;
    options.endpoint.removeEventListener('message', this.#listener);
    direct.close();
    this.#control.close();
    outbox.close();
    this.#inbox.close();
    streams.close(error);
    this.#served.close(error);
    this.#control.reject(error);
    this.#requests.close(error);
  }

  /**
   * Ends the link from inside a guest that is over. Its pending calls never settle, as when a
   * worker is terminated. Rejecting them would run code of a stopped plugin in the application's
   * own thread.
   */
  abandon(error: Error): void {
    this.abandoned = true;
    this.#requests.abandon();
    this.#control.abandon();
    this.close(error);
  }

  /**
   * Ends requests that are being answered, and streams that are part of answers.
   *
   * @param over returns the error for the other side if what they are about may not continue.
   */
  endServed(over: (about: string) => Error | undefined): void {
    this.#served.endAbout(over);
  }

  #breach(reason: string): void {
    if (this.#closed !== undefined) return;
    const { options } = this.#parts;
    const { plugin } = options;
    options.onBreach(
      createSharedError('wire/refused', `${plugin ?? 'the kernel'} broke the protocol: ${reason}`, {
        plugin,
        details: { reason },
      }),
    );
  }
}
