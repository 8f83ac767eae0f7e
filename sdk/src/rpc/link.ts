/**
 * The link between a kernel and one guest: calls, one-way notes, streams and the control plane, multiplexed in order
 * over one endpoint, one message a turn. Both sides run this file.
 *
 * Guarantees: requests, notes and control messages of one side arrive in the order they were sent; each request
 * settles exactly once, at the latest when the link closes; a value that can't be sent fails its own call only; a
 * malformed message never throws out of here.
 */
import { createSharedError, type PluginError } from '../contract/errors.js';
import { asPromise } from '../contract/schema.js';
import { cancelSource, isStreamSource } from '../contract/stream.js';
import { errorToWire } from '../contract/wire-error.js';
import { CarriedStreams } from './carried-streams.js';
import { type Control, type ControlApi, createControl, failedReply, type Refusal, refusalReply } from './control.js';
import type { DirectEnd, DirectReceiver, Endpoint, MessageEventLike } from './endpoint.js';
import { Form, headOf, Kind } from './frames.js';
import { Inbound, type InboundWire } from './inbound.js';
import { Inbox } from './inbox.js';
import type { NoteQueue } from './note-queue.js';
import { MAX_WAITING, Outbox, SharedValue } from './outbox.js';
import { PendingTable } from './pending.js';
import { Streams, type StreamWire } from './streams.js';
import { Turn } from './turn.js';
import { copyValue, decode, decodeError, decodeValue, encodeValue, revive, type StreamDoor, unreadable, unsendable } from './value.js';

/** Where an answer goes. Settled exactly once, perhaps before the request returns; must not throw. */
export interface Reply {
  /** Set by the link: what cancels the request. */
  sequence: number;
  settle(ok: boolean, value: unknown): void;
  progress?(value: unknown): void;
}

/** How a link is told about its sides. */
export interface LinkOptions {
  readonly endpoint: Endpoint;
  /** Stamped on every error of the other side: the plugin's id in the kernel, nothing in a guest. */
  readonly plugin?: string;
  /** Whether the other side is the kernel, whose values need no check: it has checked them. */
  readonly trusting?: boolean;
  /** Whether stacks may leave this side. */
  readonly stacks: boolean;
  /** When turns end; links of one thread share it. */
  readonly turn?: Turn;
  /** Requests and other work taken in one turn of the loop, so that one guest can't hold it. */
  readonly budget?: number;
  /** Answers a request; may throw or reject. `meta` is as it came: nothing in it was checked. */
  serve(target: number, input: unknown, meta: unknown, inbound: Inbound): unknown;
  /** Takes a one-way note; what it throws is reported as a refusal. `meta` is as it came. */
  note(target: number, payload: unknown, meta: unknown): void;
  /** Looks at each value of the other side, but those of notes, before it is used; what it throws is the answer. */
  admit?(value: unknown): void;
  /** Told of each message of the other side that makes work and is served by nothing above. */
  count?(): void;
  /** Methods for the other side's control calls. */
  readonly control: ControlApi;
  /** Takes what is said about a direct lane, and its port; a breach where absent. */
  lane?(lane: number, what: unknown, port: unknown): void;
  /** The other side broke the protocol in a way that can't be continued: end it. */
  onBreach(error: PluginError): void;
  /** The last call of this side that waited is over, or the last stream has ended. */
  onIdle?(): void;
  /** A note of this side could not be sent. */
  onUnsent?(error: PluginError): void;
  /** A message was refused and the link goes on. */
  onRefused?(error: PluginError): void;
  /** Runs a function after the event loop had a turn. */
  defer(task: () => void): void;
}

const DEFAULT_BUDGET = 64;
/** Calls of one end into the other that may be inside one another before they go round by messages. */
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
  readonly #inboundWire: InboundWire = { progress: (sequence, value) => this.#sendProgress(sequence, value) };
  readonly #listener = (event: MessageEventLike) => this.#inbox.receive(event.data);
  #closed: Error | undefined;
  /** Replies that came after their call had ended, by time-out or cancel. */
  lateReplies = 0;
  /** Whether this side is over; see {@link abandon}. */
  abandoned = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { endpoint } = options;
    const wire: StreamWire = {
      item: (stream, value) => this.#outbox.value(Kind.item, stream, value),
      end: (stream, error) => this.#outbox.push(Kind.end, stream, error === undefined ? undefined : errorToWire(error, options.stacks, encodeValue)),
      pull: (stream, items) => this.#outbox.push(Kind.pull, stream, items),
      stop: (stream) => this.#outbox.push(Kind.stop, stream),
    };
    this.#streams = new Streams(wire, () => this.#checkIdle());
    this.#carried = new CarriedStreams(this.#streams);
    this.#outbox = new Outbox({
      endpoint,
      turn: options.turn ?? new Turn(),
      streams: this.#carried,
      peer: options.plugin,
      wanted: (sequence) => this.#pending.get(sequence) !== undefined,
      failed: (kind, sequence, frame, cause) => this.#failFrame(kind, sequence, frame, cause),
    });
    this.#inbox = new Inbox(
      {
        take: (kind, sequence, form, message, index, value) => this.#take(kind, sequence, form, message, index, value),
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
    this.#direct = endpoint.direct;
    if (this.#direct !== undefined) this.#direct.receiver = this.#directReceiver();
    endpoint.addEventListener('message', this.#listener);
    endpoint.start?.();
  }

  /** Calls of this side that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Messages that have come so far: a sign of life. */
  get received(): number {
    return this.#inbox.received;
  }

  /** Frames that wait for the other side's credit. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  /** Whether the other side has sent what was not taken yet. */
  get untaken(): boolean {
    return this.#inbox.waiting;
  }

  /** Requests of the other side that are being answered. */
  get serving(): number {
    return this.#inbound.size;
  }

  /** Streams that are open, both directions. */
  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Sends a request. Its answer goes to `reply`, whose `sequence` cancels it.
   *
   * @param move whether the buffers in the input are nobody's any more and may be moved.
   * @throws PluginValidationError when the input can't cross, PluginOverloadedError when too many requests wait,
   * or the error the link was closed with; `reply` is not used then.
   */
  request(target: number, input: unknown, meta: unknown, reply: Reply, move = false): void {
    if (this.#closed !== undefined) throw this.#closed;
    const sequence = this.#pending.add(reply);
    reply.sequence = sequence;
    try {
      const direct = this.#direct === undefined ? undefined : this.#directly();
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
   * @param queue what happens when the other side is slow; without one, a full link refuses.
   * @returns with a blocking queue that is full, a promise for the room.
   */
  note(target: number, payload: unknown, meta: unknown, queue?: NoteQueue): Promise<void> | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    const direct = this.#direct === undefined ? undefined : this.#directly();
    if (direct !== undefined) {
      direct.note(target, meta, copyValue(payload instanceof SharedValue ? payload.value : payload));
      return undefined;
    }
    if (queue !== undefined) return this.#outbox.note(target, meta, payload, queue);
    this.#outbox.request(Kind.note, 0, target, meta, payload);
    return undefined;
  }

  /** Forgets a request and tells the other side; its reply is dropped when it comes. The caller settles itself. */
  cancel(sequence: number): void {
    if (this.#pending.take(sequence) === undefined) return;
    this.#carried.failed(sequence);
    this.#outbox.cancel(sequence);
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

  /** Who waits for the answer to a request, while somebody does. */
  waitsFor(sequence: number): Reply | undefined {
    return this.#pending.get(sequence);
  }

  /** A number for a text that is sent often, towards the other side; 0 when there is none left. */
  nameOf(text: string): number {
    return this.#outbox.nameOf(text);
  }

  /** The text behind a number of the other side. */
  textOf(name: number): string | undefined {
    return this.#inbox.nameOf(name);
  }

  /** Says something about a direct lane, with a port when there is one; in its place among all that is sent. */
  sendLane(lane: number, what: unknown, port?: unknown): void {
    if (port === undefined) this.#outbox.ordered(Kind.lane, lane, what, undefined);
    else if (this.#closed === undefined) this.#outbox.postPort(Kind.lane, lane, what, port);
  }

  /** Takes nothing more from the other side until {@link release}: it runs out of credit, and nothing is lost. */
  hold(): void {
    this.#inbox.hold();
  }

  /** Goes on with what has waited. */
  release(): void {
    this.#inbox.release();
  }

  /** Posts what this turn has collected now instead of at its end. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Ends the link: every pending call settles with `error`, every served one is aborted. Idempotent. */
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
    for (const reply of this.#pending.clear()) reply.settle(false, error);
  }

  /**
   * Ends the link from inside a guest that is over: what its code waits for never comes, as when a worker is ended.
   * Rejecting instead would run code of a plugin that has stopped, in the application's own thread.
   */
  abandon(error: Error): void {
    this.abandoned = true;
    this.#pending.clear();
    this.#controlCalls.clear();
    this.close(error);
  }

  // --- the other end in the same thread --------------------------------------------------------------------------

  /** The other end, when it may be told directly: nothing that was sent before is still on its way. */
  #directly(): DirectReceiver | undefined {
    const { inFlight, other } = this.#direct as DirectEnd;
    const receiver = other?.receiver;
    return inFlight === 0 && depth < MAX_DIRECT_DEPTH && this.#outbox.empty && receiver?.idle ? receiver : undefined;
  }

  #requestDirectly(direct: DirectReceiver, sequence: number, target: number, meta: unknown, input: unknown): void {
    const copy = copyValue(input, this.#carried, direct.streams);
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
      request: (sequence, target, meta, input) => this.#serve(sequence, target, meta, input, performance.now()),
      settle: (sequence, ok, value) => {
        // The streams in a late answer are wanted by nobody, and those in any other belong to it alone.
        if (this.#pending.get(sequence) === undefined) this.#carried.refused();
        else this.#carried.taken();
        this.#settle(sequence, ok, value);
      },
      note: (target, meta, payload) => nested(() => this.#takeNote(target, meta, payload)),
    };
  }

  // --- receiving -------------------------------------------------------------------------------------------------

  #take(kind: number, sequence: number, form: number, message: readonly unknown[], index: number, value: number): void {
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
        this.#inbound.get(sequence)?.abort(createSharedError('call/cancelled', 'the caller cancelled the call'));
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
        if (!this.#outbox.acknowledge(sequence)) this.#breach('credit for frames that were never sent');
        break;
      case Kind.item:
        this.#takeItem(sequence, form, message, value);
        break;
      case Kind.end:
        this.#streams.takeEnd(sequence, message[index + 1] === undefined ? undefined : this.#takeError(message[index + 1]));
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

  /** @throws PluginValidationError or PluginProtocolError: what arrives may be anything. */
  #decode(form: number, message: readonly unknown[], at: number, streams: StreamDoor | undefined): unknown {
    if (form === Form.packed) return this.#inbox.shapes.read(message, at);
    const value = message[at];
    const { trusting, plugin } = this.#options;
    if (form === Form.text) throw createSharedError('wire/refused', 'refused a value as text: only the kernel sends those, as notes', { plugin });
    if (trusting) return form === Form.marked ? revive(value, streams) : value;
    return form === Form.marked ? decode(value, plugin, streams).value : decodeValue(value, plugin);
  }

  #takeRequest(sequence: number, form: number, message: readonly unknown[], index: number, at: number): void {
    const target = message[index + 1];
    if (typeof target !== 'number' || this.#inbound.has(sequence)) return this.#breach('a request without a target, or twice');
    let input: unknown;
    try {
      if (this.#inbound.size >= MAX_WAITING) throw createSharedError('call/overloaded', `too many calls wait for an answer: ${MAX_WAITING}`, { plugin: this.#options.plugin });
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
      inbound.end(false);
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
        // The caller is gone; the source of a stream still has to hear of it.
        else if (isStreamSource(value)) cancelSource(value).catch(() => {});
      },
      (error) => {
        if (!this.#inbound.delete(sequence)) return;
        inbound.end(false);
        this.#fail(sequence, error);
      },
    );
  }

  #reply(inbound: Inbound, value: unknown): void {
    const { sequence } = inbound;
    if (this.#closed !== undefined) {
      if (isStreamSource(value)) cancelSource(value).catch(() => {});
      return inbound.end(false);
    }
    try {
      const direct = this.#direct === undefined ? undefined : this.#directly();
      if (direct === undefined) this.#outbox.value(Kind.reply, sequence, value, inbound.moves);
      else direct.settle(sequence, true, copyValue(value, this.#carried, direct.streams));
    } catch (error) {
      this.#carried.unsent();
      inbound.end(false);
      this.#fail(sequence, unsendable(unreadable(error), 'the answer', { side: 'provider' }));
      return;
    }
    inbound.end(this.#carried.answeredWith(inbound.about));
  }

  /**
   * Ends requests that are being answered, and streams that were part of answers.
   *
   * @param over the error that the other side gets when what they are about may not go on.
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
    const wire = errorToWire(error, this.#options.stacks, encodeValue);
    const direct = this.#direct === undefined ? undefined : this.#directly();
    if (direct === undefined) this.#outbox.push(Kind.error, sequence, wire);
    else direct.settle(sequence, false, wire);
  }

  #decodeNote(form: number, message: readonly unknown[], index: number, at: number): void {
    try {
      const target = message[index + 1];
      if (typeof target !== 'number') throw createSharedError('wire/refused', 'a note without a target');
      if (form === Form.text && this.#options.trusting) {
        for (const payload of JSON.parse(message[at] as string) as unknown[]) this.#takeNote(target, message[index + 2], payload);
      } else this.#options.note(target, this.#decode(form, message, at, undefined), message[index + 2]);
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
    const late = this.#pending.get(sequence) === undefined;
    let value: unknown;
    try {
      // A late answer is read only for the streams in it: their sources must hear that nobody wants them.
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
    else this.#carried.taken();
    this.#settle(sequence, true, value);
  }

  /** An answer: a value, or the record of an error. */
  #settle(sequence: number, ok: boolean, value: unknown): void {
    const reply = this.#pending.take(sequence);
    if (reply === undefined) {
      // Late, after a cancel; or forged, which is the same harmless thing. A sequence that was never used is neither.
      if (sequence > this.#pending.last || sequence === 0) this.#breach('a reply to a call that was never made');
      else this.lateReplies += 1;
      return;
    }
    if (ok) {
      this.#carried.answered(sequence);
      reply.settle(true, value);
    } else {
      this.#carried.failed(sequence);
      reply.settle(false, this.#takeError(value));
    }
    this.#checkIdle();
  }

  /** An error of the other side, or why it is too much. */
  #takeError(wire: unknown): unknown {
    const error = decodeError(wire, this.#options.plugin);
    try {
      this.#options.admit?.(error);
      return error;
    } catch (refused) {
      return refused;
    }
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

  /** What nobody waits for is dropped without a word. */
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
    if (!this.#streams.takeItem(stream, value)) this.#breach('more items of a stream than were asked for');
  }

  // --- sending ---------------------------------------------------------------------------------------------------

  #sendProgress(sequence: number, value: unknown): void {
    if (this.#closed === undefined) this.#outbox.progress(sequence, value);
  }

  #failFrame(kind: number, sequence: number, frame: readonly unknown[], cause: unknown): void {
    const error = createSharedError('value/invalid', 'the value cannot cross to another plugin: it cannot be cloned', { cause });
    const post = (head: number) => this.#options.endpoint.postMessage([headOf(sequence, head), errorToWire(error, false, encodeValue)]);
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
        this.#options.endpoint.postMessage([headOf(0, Kind.controlReply), failedReply(frame[1], error)]);
        break;
      default:
        this.#options.onUnsent?.(error);
    }
  }

  // --- what isn't honest -----------------------------------------------------------------------------------------

  /** A message that is no frame at all, for instance one meant for a bare Comlink. */
  #refuseForeign(message: unknown): void {
    const id = (message as { id?: unknown } | null)?.id;
    this.#refuse({ reason: 'not a frame', ...(typeof id === 'string' && id.length <= 80 && { id }) });
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.#options.onRefused?.(createSharedError('wire/refused', `refused a message: ${refusal.reason}`, { plugin: this.#options.plugin, details: { reason: refusal.reason } }));
    if (refusal.id !== undefined) this.#outbox.push(Kind.controlReply, 0, refusalReply(refusal));
  }

  #breach(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#options.onBreach(
      createSharedError('wire/refused', `${this.#options.plugin ?? 'the kernel'} broke the protocol: ${reason}`, { plugin: this.#options.plugin, details: { reason } }),
    );
  }
}

/** How deep calls of ends into each other are nested in this thread. */
let depth = 0;

function nested(run: () => void): void {
  depth += 1;
  try {
    run();
  } finally {
    depth -= 1;
  }
}
