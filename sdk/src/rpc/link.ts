/**
 * The link between a kernel and one guest: calls, one-way notes, streams and the control plane,
 * multiplexed in order over one endpoint, one message a turn. Both sides run this file.
 *
 * Guarantees: requests, notes and control messages of one side arrive in the order they were sent.
 * Each request settles exactly once, at the latest when the link closes. A value that can't be sent
 * fails only its own call. A malformed message never throws out of here.
 */
import { createSharedError, type PluginError } from '../contract/errors.js';
import { asPromise } from '../contract/schema.js';
import { cancelSource, isStreamSource } from '../contract/stream.js';
import { errorToWire } from '../contract/wire-error.js';
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import { type Accepted, CarriedStreams } from './carried-streams.js';
import { type Control, createControl, failedReply, type Refusal, refusalReply } from './control.js';
import type { DirectEnd, DirectReceiver, MessageEventLike } from './endpoint.js';
import { Form, headOf, Kind } from './frames.js';
import { Inbound, type InboundWire } from './inbound.js';
import { Inbox } from './inbox.js';
import type { LinkOptions, Reply } from './link-options.js';
import type { NoteQueue } from './note-queue.js';
import { Outbox } from './outbox.js';
import { PendingTable } from './pending.js';
import { MAX_WAITING } from './send-limits.js';
import { SharedValue } from './shared-value.js';
import type { StreamDoor } from './stream-door.js';
import type { StreamWire } from './stream-wire.js';
import { Streams } from './streams.js';
import { Turn } from './turn.js';
import {
  checkBounds,
  copyValue,
  decode,
  decodeError,
  decodeValue,
  encodeValue,
  revive,
  unreadable,
  unsendable,
} from './value.js';

const DEFAULT_BUDGET = 64;
/** Most cancelled requests that are remembered while the other side still works on them. */
const MAX_CANCELLED = 1_024;
/** Deepest nesting of direct calls between the two ends; deeper ones go by messages. */
const MAX_DIRECT_DEPTH = 16;

/** One side of the wire; see the file comment for its guarantees. */
export class Link {
  readonly #options: LinkOptions;
  readonly #control: Control;
  readonly #controlCalls = new Set<(error: unknown) => void>();
  readonly #pending = new PendingTable<Reply>();
  readonly #inbound = new Map<number, Inbound>();
  readonly #streams: Streams;
  readonly #carried: CarriedStreams;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #direct: DirectEnd | undefined;
  readonly #inboundWire: InboundWire = {
    progress: (sequence, value) => this.#sendProgress(sequence, value),
    feeds: (streams) => streams.some((stream) => this.#streams.feeds(stream)),
  };
  /** Requests that have their answer while its streams still flow, by sequence. */
  readonly #streaming = new Map<
    number,
    { readonly reply: Reply; readonly readers: readonly Accepted[] }
  >();
  /** Cancelled requests that the other side still works on, by sequence. */
  readonly #cancelled = new Map<number, Reply>();
  readonly #listener = (event: MessageEventLike) => this.#inbox.receive(event.data);
  #closed: Error | undefined;
  #bounds: ValueBounds = DEFAULT_BOUNDS;
  /** Replies that arrived after their call had ended by time-out or cancel. */
  lateReplies = 0;
  /** Whether this side has ended; see {@link abandon}. */
  abandoned = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { endpoint } = options;
    const wire: StreamWire = {
      item: (stream, value) => this.#outbox.value(Kind.item, stream, value),
      end: (stream, error) => {
        if (error !== undefined) options.onFailed?.(error, 0);
        this.#outbox.push(
          Kind.end,
          stream,
          error === undefined ? undefined : errorToWire(error, options.stacks, this.#encode),
        );
      },
      pull: (stream, items) => this.#outbox.push(Kind.pull, stream, items),
      stop: (stream) => this.#outbox.push(Kind.stop, stream),
    };
    this.#streams = new Streams(
      wire,
      () => {
        for (const [sequence, { readers }] of this.#streaming)
          if (readers.every(({ over }) => over)) this.#streaming.delete(sequence);
        this.#checkIdle();
      },
      options.defer,
      options.watchUnread,
    );
    this.#carried = new CarriedStreams(this.#streams);
    this.#outbox = new Outbox({
      endpoint,
      turn: options.turn ?? new Turn(),
      streams: this.#carried,
      stacks: options.stacks,
      peer: options.plugin,
      wanted: (sequence) => this.#pending.get(sequence) !== undefined,
      failed: (kind, sequence, frame, cause) => this.#failFrame(kind, sequence, frame, cause),
    });
    this.#inbox = new Inbox(
      {
        take: (kind, sequence, form, message, index, value) =>
          this.#take(kind, sequence, form, message, index, value),
        foreign: (message) => this.#refuseForeign(message),
        breach: (reason) => this.#breach(reason),
        credit: (taken) => this.#outbox.push(Kind.credit, taken),
      },
      options.budget ?? DEFAULT_BUDGET,
      options.defer,
    );
    this.#control = createControl(options.control, {
      plugin: options.plugin,
      stacks: options.stacks,
      postRequest: (message) => this.#outbox.ordered(Kind.control, 0, message),
      postReply: (message) => this.#outbox.push(Kind.controlReply, 0, message),
    });
    this.bound(options.bounds ?? DEFAULT_BOUNDS);
    this.#direct = endpoint.direct;
    if (this.#direct !== undefined) this.#direct.receiver = this.#directReceiver();
    endpoint.addEventListener('message', this.#listener);
    endpoint.start?.();
  }

  /** How large a value may be. */
  get bounds(): ValueBounds {
    return this.#bounds;
  }

  /**
   * Sets how large a value may be from now on, in either direction. What a kernel sends on the
   * control plane has no bounds.
   */
  bound(bounds: ValueBounds): void {
    this.#bounds = bounds;
    this.#outbox.bounds = bounds;
    this.#options.endpoint.bound?.(bounds);
  }

  /** Encodes the details of an error; what is too large is left out. */
  readonly #encode = (details: unknown): unknown => encodeValue(details, this.#bounds);

  /** Calls of this side that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Messages received so far: a sign of life. */
  get received(): number {
    return this.#inbox.received;
  }

  /** Frames that wait for the other side's credit. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  /** Whether something from the other side was not taken yet. */
  get untaken(): boolean {
    return this.#inbox.waiting;
  }

  /** Requests of the other side that are being answered. */
  get serving(): number {
    return this.#inbound.size;
  }

  /** Open streams, both directions. */
  get streams(): number {
    return this.#streams.size;
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
    const sequence = this.#pending.add(reply);
    reply.sequence = sequence;
    try {
      const direct = this.#direct === undefined ? undefined : this.#directEnd();
      if (direct !== undefined) return this.#requestDirectly(direct, sequence, target, meta, input);
      this.#outbox.request(Kind.request, sequence, target, meta, input, move);
    } catch (error) {
      this.#pending.take(sequence);
      this.#carried.unsent();
      throw unreadable(error);
    }
    this.#carried.sentWith(sequence);
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
    const direct = this.#direct === undefined ? undefined : this.#directEnd();
    if (direct !== undefined) {
      direct.note(
        target,
        meta,
        copyValue(
          payload instanceof SharedValue ? payload.value : payload,
          undefined,
          undefined,
          this.#bounds,
          this.#options.stacks,
        ),
      );
      return undefined;
    }
    if (queue !== undefined) return this.#outbox.note(target, meta, payload, queue);
    this.#outbox.request(Kind.note, 0, target, meta, payload);
    return undefined;
  }

  /**
   * Forgets a request and tells the other side. A later reply is dropped. The caller settles
   * itself.
   *
   * @param late whether its deadline has passed: the handler's signal then says so.
   */
  cancel(sequence: number, late = false): void {
    const reply = this.#pending.take(sequence);
    if (reply === undefined) return;
    if (this.#cancelled.size >= MAX_CANCELLED)
      for (const oldest of [...this.#cancelled.keys()].slice(0, MAX_CANCELLED / 2))
        this.#cancelled.delete(oldest);
    this.#cancelled.set(sequence, reply);
    this.#carried.failed(sequence);
    this.#outbox.cancel(sequence, late);
    this.#checkIdle();
  }

  /** Calls a control method of the other side; rejects when the link closes. */
  call(method: string, ...args: unknown[]): Promise<unknown> {
    if (this.abandoned) return new Promise(() => {});
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#controlCalls.add(reject);
      this.#control.call(method, args).then(
        (value) => {
          this.#controlCalls.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#controlCalls.delete(reject);
          reject(error);
        },
      );
    });
  }

  /**
   * A request that the other side still works for: it waits for its answer, its streams flow, or it
   * was cancelled but has not finished.
   */
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

  /** A number for a text that is often sent to the other side; 0 when none is left. */
  nameOf(text: string): number {
    return this.#outbox.nameOf(text);
  }

  /** The text for a number of the other side. */
  textOf(name: number): string | undefined {
    return this.#inbox.nameOf(name);
  }

  /** Sends a direct lane's event, perhaps with a port, in order with everything else. */
  sendLane(lane: number, what: unknown, port?: unknown): void {
    if (port === undefined) this.#outbox.ordered(Kind.lane, lane, what, undefined);
    else if (this.#closed === undefined) this.#outbox.postPort(Kind.lane, lane, what, port);
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
    this.#outbox.flush();
  }

  /**
   * Ends the link: every pending call settles with `error`, every served one is aborted.
   * Idempotent.
   */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#options.endpoint.removeEventListener('message', this.#listener);
    if (this.#direct !== undefined) this.#direct.receiver = undefined;
    this.#control.close();
    this.#outbox.close();
    this.#inbox.close();
    this.#streams.close(error);
    const inbound = [...this.#inbound.values()];
    this.#inbound.clear();
    for (const one of inbound) one.abort(error);
    for (const reject of this.#controlCalls) reject(error);
    this.#controlCalls.clear();
    this.#streaming.clear();
    this.#cancelled.clear();
    for (const reply of this.#pending.clear()) reply.settle(false, error);
  }

  /**
   * Ends the link from inside a guest that is over. Its pending calls never settle, as when a
   * worker is terminated. Rejecting them would run code of a stopped plugin in the application's
   * own thread.
   */
  abandon(error: Error): void {
    this.abandoned = true;
    this.#pending.clear();
    this.#controlCalls.clear();
    this.close(error);
  }

  // --- the other end in the same thread
  // --------------------------------------------------------------------------

  /** The other end, if it can be called directly: nothing sent before is still on its way. */
  #directEnd(): DirectReceiver | undefined {
    const { inFlight, other } = this.#direct as DirectEnd;
    const receiver = other?.receiver;
    return inFlight === 0 && depth < MAX_DIRECT_DEPTH && this.#outbox.empty && receiver?.idle
      ? receiver
      : undefined;
  }

  #requestDirectly(
    direct: DirectReceiver,
    sequence: number,
    target: number,
    meta: unknown,
    input: unknown,
  ): void {
    const copy = copyValue(
      input,
      this.#carried,
      direct.streams,
      this.#bounds,
      this.#options.stacks,
    );
    this.#carried.sentWith(sequence);
    this.#outbox.passed(sequence);
    nested(() => direct.request(sequence, target, meta, copy));
  }

  #directReceiver(): DirectReceiver {
    const inbox = () => this.#inbox.empty;
    return {
      get idle() {
        return inbox();
      },
      streams: this.#carried,
      answerTo: (sequence) => {
        this.#carried.owner = this.#pending.get(sequence)?.caller;
        return this.#carried;
      },
      request: (sequence, target, meta, input) =>
        this.#serve(sequence, target, meta, input, performance.now()),
      settle: (sequence, ok, value) => {
        // The streams in a late answer are not wanted; those in any other belong to its request.
        if (this.#pending.get(sequence) === undefined) this.#carried.refused();
        else this.#takeStreams(sequence);
        this.#settle(sequence, ok, value);
      },
      note: (target, meta, payload) => nested(() => this.#takeNote(target, meta, payload)),
    };
  }

  // --- receiving
  // -------------------------------------------------------------------------------------------------

  #take(
    kind: number,
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    value: number,
  ): void {
    switch (kind) {
      case Kind.request:
        this.#takeRequest(sequence, form, message, index, value);
        break;
      case Kind.reply:
        this.#takeReply(sequence, form, message, value);
        break;
      case Kind.error:
        this.#settle(sequence, false, message[index + 1]);
        break;
      case Kind.note:
        this.#decodeNote(form, message, index, value);
        break;
      case Kind.cancel:
        this.#inbound
          .get(sequence)
          ?.abort(
            form === 1
              ? createSharedError('call/timeout', 'the deadline of the call has passed')
              : createSharedError('call/cancelled', 'the caller cancelled the call'),
          );
        break;
      case Kind.progress:
        this.#takeProgress(sequence, form, message, value);
        break;
      case Kind.control:
        this.#options.count?.();
        this.#refuse(this.#control.receiveRequest(message[index + 1]));
        break;
      case Kind.controlReply:
        this.#refuse(this.#control.receiveReply(message[index + 1]));
        break;
      case Kind.credit:
        if (!this.#outbox.acknowledge(sequence))
          this.#breach('credit for frames that were never sent');
        break;
      case Kind.item:
        this.#takeItem(sequence, form, message, value);
        break;
      case Kind.end:
        this.#takeEnd(sequence, message[index + 1]);
        break;
      case Kind.pull:
        this.#streams.takePull(sequence, message[index + 1]);
        break;
      case Kind.stop:
        this.#streams.stopFeed(sequence);
        break;
      default:
        if (this.#options.lane === undefined) this.#breach('a direct lane that nobody asked for');
        else this.#options.lane(sequence, message[index + 1], message[index + 2]);
    }
  }

  /** @throws PluginValidationError or PluginProtocolError: the input may be anything. */
  #decode(
    form: number,
    message: readonly unknown[],
    at: number,
    streams: StreamDoor | undefined,
  ): unknown {
    const { trusting, plugin } = this.#options;
    if (form === Form.packed) {
      const packed = this.#inbox.shapes.read(message, at);
      if (!this.#bounds.wide && !trusting) checkBounds(packed, this.#bounds, false);
      return packed;
    }
    const value = message[at];
    if (form === Form.text)
      throw createSharedError(
        'wire/refused',
        'refused a value as text: only the kernel sends those, as notes',
        { plugin },
      );
    if (trusting) return form === Form.marked ? revive(value, streams) : value;
    return form === Form.marked
      ? decode(value, plugin, streams, this.#bounds).value
      : decodeValue(value, plugin, this.#bounds);
  }

  #takeRequest(
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    at: number,
  ): void {
    const target = message[index + 1];
    if (typeof target !== 'number' || this.#inbound.has(sequence))
      return this.#breach('a request without a target, or twice');
    let input: unknown;
    try {
      if (this.#inbound.size >= MAX_WAITING)
        throw createSharedError(
          'call/overloaded',
          `too many calls wait for an answer: ${MAX_WAITING}`,
          { plugin: this.#options.plugin },
        );
      input = this.#decode(form, message, at, this.#carried);
      this.#options.admit?.(input);
    } catch (error) {
      this.#options.count?.();
      this.#carried.refused();
      this.#fail(sequence, error);
      return;
    }
    this.#serve(sequence, target, message[index + 2], input, this.#inbox.messageTime);
  }

  #serve(sequence: number, target: number, meta: unknown, input: unknown, received: number): void {
    const inbound = new Inbound(this.#inboundWire, sequence, received);
    inbound.streams = this.#carried.taken();
    let result: unknown;
    let promise: Promise<unknown> | undefined;
    try {
      result = this.#options.serve(target, input, meta, inbound);
      promise = asPromise(result);
    } catch (error) {
      inbound.end(undefined);
      this.#options.onFailed?.(error, target);
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
          if (isStreamSource(value)) cancelSource(value).catch(() => {});
        }
      },
      (error) => {
        inbound.end(undefined);
        if (!this.#inbound.delete(sequence)) return;
        this.#options.onFailed?.(error, target);
        this.#fail(sequence, error);
      },
    );
  }

  #reply(inbound: Inbound, value: unknown): void {
    const { sequence } = inbound;
    if (this.#closed !== undefined) {
      if (isStreamSource(value)) cancelSource(value).catch(() => {});
      return inbound.end(undefined);
    }
    try {
      const direct = this.#direct === undefined ? undefined : this.#directEnd();
      if (direct === undefined) this.#outbox.value(Kind.reply, sequence, value, inbound.moves);
      else
        direct.settle(
          sequence,
          true,
          copyValue(
            value,
            this.#carried,
            direct.answerTo(sequence),
            this.#bounds,
            this.#options.stacks,
          ),
        );
    } catch (error) {
      this.#carried.unsent();
      inbound.end(undefined);
      this.#fail(sequence, unsendable(unreadable(error), 'the answer', { side: 'provider' }));
      return;
    }
    const lent = this.#carried.answeredWith(inbound.about);
    const { around } = this.#options;
    if (lent !== undefined && around !== undefined)
      for (const stream of lent) this.#streams.runBy(stream, (run) => around(inbound, run));
    inbound.end(lent);
  }

  /** The streams of an answer belong to its caller. Their sources still work for the request. */
  #takeStreams(sequence: number): void {
    const readers = this.#carried.taken();
    const reply = this.#pending.get(sequence);
    if (readers !== undefined && reply !== undefined)
      this.#streaming.set(sequence, { reply, readers });
  }

  /**
   * Ends requests that are being answered, and streams that are part of answers.
   *
   * @param over returns the error for the other side if what they are about may not continue.
   */
  endServed(over: (about: string) => Error | undefined): void {
    for (const [sequence, inbound] of [...this.#inbound]) {
      const error = inbound.about === undefined ? undefined : over(inbound.about);
      if (error === undefined || !this.#inbound.delete(sequence)) continue;
      inbound.abort(error);
      this.#fail(sequence, error);
    }
    this.#carried.endLent(over);
  }

  #fail(sequence: number, error: unknown): void {
    const wire = errorToWire(error, this.#options.stacks, this.#encode);
    const direct = this.#direct === undefined ? undefined : this.#directEnd();
    if (direct === undefined) this.#outbox.push(Kind.error, sequence, wire);
    else direct.settle(sequence, false, wire);
  }

  #decodeNote(form: number, message: readonly unknown[], index: number, at: number): void {
    try {
      const target = message[index + 1];
      if (typeof target !== 'number')
        throw createSharedError('wire/refused', 'a note without a target');
      if (form === Form.text && this.#options.trusting) {
        for (const payload of JSON.parse(message[at] as string) as unknown[])
          this.#takeNote(target, message[index + 2], payload);
      } else
        this.#options.note(target, this.#decode(form, message, at, undefined), message[index + 2]);
    } catch (error) {
      this.#options.onRefused?.(error as PluginError);
    }
  }

  #takeNote(target: number, meta: unknown, payload: unknown): void {
    try {
      this.#options.note(target, payload, meta);
    } catch (error) {
      this.#options.onRefused?.(error as PluginError);
    }
  }

  #takeReply(sequence: number, form: number, message: readonly unknown[], at: number): void {
    const pending = this.#pending.get(sequence);
    const late = pending === undefined;
    let value: unknown;
    this.#carried.owner = pending?.caller;
    try {
      // A late answer is read only for its streams: their sources must be told that they are not
      // wanted.
      if (!late || form === Form.marked) value = this.#decode(form, message, at, this.#carried);
      if (!late) this.#options.admit?.(value);
    } catch (error) {
      this.#carried.refused();
      this.#carried.failed(sequence);
      this.#pending.take(sequence)?.settle(false, error);
      this.#checkIdle();
      return;
    }
    if (late) this.#carried.refused();
    else this.#takeStreams(sequence);
    this.#settle(sequence, true, value);
  }

  /** An answer: a value, or the record of an error. */
  #settle(sequence: number, ok: boolean, value: unknown): void {
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
      this.#carried.answered(sequence);
      reply.settle(true, value);
    } else {
      this.#carried.failed(sequence);
      const error = this.#takeError(value);
      const viewed = this.#options.view?.(error);
      if (viewed === undefined) reply.settle(false, error);
      else void viewed.then(() => reply.settle(false, error));
    }
    this.#checkIdle();
  }

  /** An error of the other side, or the reason it is too large. */
  #takeError(wire: unknown): unknown {
    const error = decodeError(wire, this.#options.plugin);
    try {
      this.#options.admit?.(error);
      return error;
    } catch (refused) {
      return refused;
    }
  }

  #takeEnd(stream: number, wire: unknown): void {
    const error = wire === undefined ? undefined : this.#takeError(wire);
    const viewed = error === undefined ? undefined : this.#options.view?.(error);
    if (viewed === undefined) this.#streams.takeEnd(stream, error);
    else void viewed.then(() => this.#streams.takeEnd(stream, error));
  }

  #checkIdle(): void {
    if (this.#pending.size === 0) this.#options.onIdle?.();
  }

  #takeProgress(sequence: number, form: number, message: readonly unknown[], at: number): void {
    this.#options.count?.();
    try {
      const value = this.#decode(form, message, at, undefined);
      if (this.#admits(value)) this.#pending.get(sequence)?.progress?.(value);
    } catch (error) {
      this.#options.onRefused?.(error as PluginError);
    }
  }

  /** Refused values that no caller waits for are dropped silently. */
  #admits(value: unknown): boolean {
    try {
      this.#options.admit?.(value);
      return true;
    } catch {
      return false;
    }
  }

  #takeItem(stream: number, form: number, message: readonly unknown[], at: number): void {
    this.#options.count?.();
    let value: unknown;
    try {
      value = this.#decode(form, message, at, undefined);
      this.#options.admit?.(value);
    } catch (error) {
      this.#streams.failItem(stream, error);
      return;
    }
    if (!this.#streams.takeItem(stream, value))
      this.#breach('more items of a stream than were asked for');
  }

  // --- sending
  // ---------------------------------------------------------------------------------------------------

  #sendProgress(sequence: number, value: unknown): void {
    if (this.#closed === undefined) this.#outbox.progress(sequence, value);
  }

  #failFrame(kind: number, sequence: number, frame: readonly unknown[], cause: unknown): void {
    const error = createSharedError(
      'value/invalid',
      'the value cannot cross to another plugin: it cannot be cloned',
      { cause },
    );
    const post = (head: number) =>
      this.#options.endpoint.postMessage([
        headOf(sequence, head),
        errorToWire(error, false, this.#encode),
      ]);
    switch (kind) {
      case Kind.request:
        this.#carried.failed(sequence);
        this.#pending.take(sequence)?.settle(false, error);
        this.#checkIdle();
        break;
      case Kind.reply:
      case Kind.error:
        post(Kind.error);
        break;
      case Kind.item:
        this.#streams.stopFeed(sequence);
        post(Kind.end);
        break;
      case Kind.control:
        this.#control.fail(frame[1], error);
        break;
      case Kind.controlReply:
        this.#options.endpoint.postMessage([
          headOf(0, Kind.controlReply),
          failedReply(frame[1], error),
        ]);
        break;
      default:
        this.#options.onUnsent?.(error);
    }
  }

  // --- dishonest messages ----------------------------------------------------------------------

  /** A message that is no frame, for instance one meant for a bare Comlink. */
  #refuseForeign(message: unknown): void {
    const id = (message as { id?: unknown } | null)?.id;
    this.#refuse({
      reason: 'not a frame',
      ...(typeof id === 'string' && id.length <= 80 && { id }),
    });
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.#options.onRefused?.(
      createSharedError('wire/refused', `refused a message: ${refusal.reason}`, {
        plugin: this.#options.plugin,
        details: { reason: refusal.reason },
      }),
    );
    if (refusal.id !== undefined) this.#outbox.push(Kind.controlReply, 0, refusalReply(refusal));
  }

  #breach(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#options.onBreach(
      createSharedError(
        'wire/refused',
        `${this.#options.plugin ?? 'the kernel'} broke the protocol: ${reason}`,
        { plugin: this.#options.plugin, details: { reason } },
      ),
    );
  }
}

/** Current nesting of direct calls between ends in this thread. */
let depth = 0;

function nested(run: () => void): void {
  depth += 1;
  try {
    run();
  } finally {
    depth -= 1;
  }
}
