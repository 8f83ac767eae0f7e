/**
 * The link between a kernel and one guest: calls, one-way notes and the control plane, multiplexed in order over one
 * endpoint, one message a turn. Both sides run this file.
 *
 * Guarantees: requests, notes and control messages of one side arrive in the order they were sent; each request
 * settles exactly once, at the latest when the link closes; a value that can't be sent fails its own call only; a
 * malformed message never throws out of here.
 */
import { createError, type PluginError } from '../contract/errors.js';
import { isPromiseLike } from '../contract/schema.js';
import { errorToWire } from '../contract/wire-error.js';
import { type Control, type ControlApi, createControl, type Refusal, refusalReply } from './control.js';
import type { Endpoint, MessageEventLike } from './endpoint.js';
import { Fifo } from './fifo.js';
import { headOf, isPacked, Kind, kindOf, PACKED, SLOTS, sequenceOf } from './frames.js';
import { ShapeReader, ShapeWriter } from './shapes.js';
import { decodeError, decodeValue, encodeValue } from './value.js';

/** Where an answer goes. Settled exactly once; must not throw. */
export interface Reply {
  settle(ok: boolean, value: unknown): void;
  progress?(value: unknown): void;
}

/** A request being served. */
export interface Inbound {
  readonly sequence: number;
  /** When its message arrived, in milliseconds since the epoch. */
  readonly received: number;
  /** Aborts when the caller cancels or the link closes. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Called once when the caller cancels or the link closes: cheaper than a signal. Set by whoever serves. */
  onCancel: ((reason: Error) => void) | undefined;
  progress(value: unknown): void;
}

/** How a link is told about its sides. */
export interface LinkOptions {
  readonly endpoint: Endpoint;
  /** Stamped on every error of the other side: the plugin's id in the kernel, nothing in a guest. */
  readonly plugin?: string;
  /** Whether stacks may leave this side. */
  readonly stacks: boolean;
  /** Answers a request; may throw or reject. */
  serve(target: number, input: unknown, meta: unknown, inbound: Inbound): unknown;
  /** Takes a one-way note; what it throws is reported as a refusal. */
  note(target: number, payload: unknown, meta: unknown): void;
  /** Methods for the other side's control calls. */
  readonly control: ControlApi;
  /** The other side broke the protocol in a way that can't be continued: end it. */
  onBreach(error: PluginError): void;
  /** A message was refused and the link goes on. */
  onRefused?(error: PluginError): void;
  /** Runs a function after the event loop had a turn. */
  defer(task: () => void): void;
}

/** Requests and notes that may be on their way without having been taken. */
const WINDOW = 1_024;
/** Requests and notes that may wait for credit before a call fails at once. */
const MAX_WAITING = 8_192;
/** Taken frames that are acknowledged together. */
const ACKNOWLEDGE = 256;
/** A message is posted when it holds this many slots, though the turn goes on. */
const MAX_SLOTS = 1_024;
/** Requests and notes served in one turn of the loop, so that one guest can't hold it. */
const BUDGET = 64;

interface WaitingFrame {
  readonly kind: number;
  readonly sequence: number;
  readonly slots: readonly unknown[];
}

/** A message, or the rest of one, that waits for a later turn. */
interface HeldMessage {
  readonly message: readonly unknown[];
  readonly from: number;
  /** Requests and notes in it. */
  readonly frames: number;
}

/** One side of the wire; see the file comment for its guarantees. */
export class Link {
  readonly #options: LinkOptions;
  readonly #control: Control;
  readonly #controlCalls = new Set<(error: unknown) => void>();
  readonly #replies = new Map<number, Reply>();
  readonly #inbound = new Map<number, InboundRequest>();
  readonly #reader = new ShapeReader();
  readonly #writer = new ShapeWriter((shape, skeleton) => this.#push(Kind.shape, shape, skeleton));
  readonly #listener = (event: MessageEventLike) => this.#receive(event.data);
  #queue: unknown[] = [];
  readonly #waiting = new Fifo<WaitingFrame>();
  #backlog: HeldMessage[] = [];
  /** Requests and notes in the backlog. */
  #backlogged = 0;
  #draining = false;
  #scheduled = false;
  #queuedAtHop = 0;
  #sequence = 0;
  #sent = 0;
  #acknowledged = 0;
  #taken = 0;
  #credited = 0;
  #messageTime = 0;
  #closed: Error | undefined;
  /** Replies that came after their call had ended, by time-out or cancel. */
  lateReplies = 0;
  /** Whether this side is over; see {@link abandon}. */
  abandoned = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#control = createControl(options.control, {
      plugin: options.plugin,
      stacks: options.stacks,
      postRequest: (message) => this.#send(Kind.control, 0, [message]),
      postReply: (message) => this.#push(Kind.controlReply, 0, message),
    });
    options.endpoint.addEventListener('message', this.#listener);
    options.endpoint.start?.();
  }

  /** Calls of this side that wait for an answer. */
  get pending(): number {
    return this.#replies.size;
  }

  /**
   * Sends a request. Its answer goes to `reply`; the returned sequence cancels it.
   *
   * @throws PluginValidationError when the input can't cross, PluginOverloadedError when too many requests wait,
   * or the error the link was closed with; `reply` is not used then.
   */
  request(target: number, input: unknown, meta: unknown, reply: Reply): number {
    if (this.#closed !== undefined) throw this.#closed;
    const packed = this.#writer.pack(input);
    const value = packed ?? encodeValue(input);
    const kind = packed === undefined ? Kind.request : Kind.request + PACKED;
    if (this.#waiting.size >= MAX_WAITING) {
      throw createError('call/overloaded', `too many calls wait for ${this.#options.plugin ?? 'the kernel'}: ${MAX_WAITING}`, { plugin: this.#options.plugin });
    }
    const sequence = ++this.#sequence;
    this.#replies.set(sequence, reply);
    if (this.#waiting.size === 0 && this.#sent - this.#acknowledged < WINDOW) {
      this.#sent += 1;
      this.#queue.push(headOf(sequence, kind), target, value, meta);
      this.#schedule();
    } else this.#waiting.push({ kind, sequence, slots: [target, value, meta] });
    return sequence;
  }

  /** Sends a one-way note. Throws as {@link request} does. */
  note(target: number, payload: unknown, meta: unknown): void {
    if (this.#closed !== undefined) throw this.#closed;
    const packed = this.#writer.pack(payload);
    const value = packed ?? encodeValue(payload);
    if (this.#waiting.size >= MAX_WAITING) {
      throw createError('call/overloaded', `too many messages wait for ${this.#options.plugin ?? 'the kernel'}: ${MAX_WAITING}`, { plugin: this.#options.plugin });
    }
    this.#send(packed === undefined ? Kind.note : Kind.note + PACKED, 0, [target, value, meta]);
  }

  /** Forgets a request and tells the other side; its reply is dropped when it comes. The caller settles itself. */
  cancel(sequence: number): void {
    if (!this.#replies.delete(sequence)) return;
    const unsent = this.#waiting.size > 0 && this.#waiting.remove((frame) => frame.sequence === sequence);
    if (!unsent && this.#closed === undefined) this.#push(Kind.cancel, sequence);
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

  /** Posts what this turn has collected now instead of at its end. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0 || this.#closed !== undefined) return;
    this.#queue = [];
    this.#queuedAtHop = 0;
    try {
      this.#options.endpoint.postMessage(queue);
    } catch {
      this.#flushOneByOne(queue);
    }
  }

  /** Ends the link: every pending call settles with `error`, every served one is aborted. Idempotent. */
  close(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#options.endpoint.removeEventListener('message', this.#listener);
    this.#control.close();
    this.#queue = [];
    this.#waiting.clear();
    this.#backlog = [];
    for (const inbound of this.#inbound.values()) inbound.abort(error);
    this.#inbound.clear();
    for (const reject of this.#controlCalls) reject(error);
    this.#controlCalls.clear();
    const replies = [...this.#replies.values()];
    this.#replies.clear();
    for (const reply of replies) reply.settle(false, error);
  }

  /**
   * Ends the link from inside a guest that is over: what its code waits for never comes, as when a worker is ended.
   * Rejecting instead would run code of a plugin that has stopped, in the application's own thread.
   */
  abandon(error: Error): void {
    this.abandoned = true;
    this.#replies.clear();
    this.#controlCalls.clear();
    this.close(error);
  }

  // --- sending -------------------------------------------------------------------------------------------------

  /** Sends a frame that keeps its place in line: behind everything that waits for credit. */
  #send(kind: number, sequence: number, slots: readonly unknown[]): void {
    const counted = kind !== Kind.control;
    if (this.#waiting.size > 0 || (counted && this.#sent - this.#acknowledged >= WINDOW)) {
      this.#waiting.push({ kind, sequence, slots });
      return;
    }
    if (counted) this.#sent += 1;
    this.#push(kind, sequence, ...slots);
  }

  #push(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.#closed !== undefined) return;
    this.#queue.push(headOf(sequence, kind), ...slots);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#queue.length >= MAX_SLOTS) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#queuedAtHop = this.#queue.length;
      queueMicrotask(this.#hop);
    }
  }

  // Waits for the end of the turn, and one microtask more while the message still grows: this catches callers that
  // are a few promises deep and costs a lone call nothing.
  readonly #hop = (): void => {
    if (this.#queue.length !== this.#queuedAtHop) {
      this.#queuedAtHop = this.#queue.length;
      queueMicrotask(this.#hop);
      return;
    }
    this.#scheduled = false;
    this.flush();
  };

  #sendWaiting(): void {
    for (let frame = this.#waiting.peek(); frame !== undefined; frame = this.#waiting.peek()) {
      const counted = frame.kind !== Kind.control;
      if (counted && this.#sent - this.#acknowledged >= WINDOW) return;
      if (counted) this.#sent += 1;
      this.#waiting.shift();
      this.#push(frame.kind, frame.sequence, ...frame.slots);
    }
  }

  /** A message that can't be cloned is sent frame by frame, so that only the culprit fails. */
  #flushOneByOne(queue: readonly unknown[]): void {
    for (let index = 0; index < queue.length; ) {
      const head = queue[index] as number;
      const end = index + (SLOTS[kindOf(head)] as number);
      const frame = queue.slice(index, end);
      index = end;
      try {
        this.#options.endpoint.postMessage(frame);
      } catch (cause) {
        this.#failFrame(head, cause);
      }
    }
  }

  #failFrame(head: number, cause: unknown): void {
    const error = createError('value/invalid', 'the value cannot cross to another plugin: it cannot be cloned', { cause });
    const sequence = sequenceOf(head);
    switch (kindOf(head)) {
      case Kind.request: {
        const reply = this.#replies.get(sequence);
        this.#replies.delete(sequence);
        this.#sent -= 1;
        reply?.settle(false, error);
        break;
      }
      case Kind.reply:
      case Kind.error:
        this.#options.endpoint.postMessage([headOf(sequence, Kind.error), errorToWire(error, false, encodeValue)]);
        break;
      case Kind.note:
        this.#sent -= 1;
        this.#options.onRefused?.(error);
        break;
      default:
        this.#options.onRefused?.(error);
    }
  }

  // --- receiving -----------------------------------------------------------------------------------------------

  #receive(message: unknown): void {
    if (this.#closed !== undefined) return;
    this.#messageTime = Date.now();
    if (!Array.isArray(message)) return this.#refuseForeign(message);
    if (message.length > MAX_SLOTS + 8) return this.#breach('a message with too many frames');
    if (this.#backlog.length > 0) {
      this.#keepForLater(message, 0, 'push');
      return;
    }
    this.#run(message, 0, BUDGET);
  }

  /** Works through a message; answers how much of the budget is left, or -1 when the rest went to the backlog. */
  #run(message: readonly unknown[], from: number, budget: number): number {
    let left = budget;
    for (let index = from; index < message.length; ) {
      if (this.#closed !== undefined) return -1;
      const head = message[index];
      if (typeof head !== 'number' || !Number.isSafeInteger(head) || head < 0) return this.#stop('a frame without a head');
      const slots = SLOTS[kindOf(head)];
      if (slots === undefined || index + slots > message.length) return this.#stop('a frame of unknown kind or length');
      const kind = kindOf(head);
      const counted = kind === Kind.request || kind === Kind.note;
      // Control calls cost the most, and shapes are work too: they share the budget, though not the credit.
      if (counted || kind === Kind.control || kind === Kind.shape) {
        if (left === 0) {
          this.#keepForLater(message, index, 'unshift');
          this.#drainLater();
          return -1;
        }
        left -= 1;
      }
      this.#take(kind, sequenceOf(head), message, index, isPacked(head));
      index += slots;
    }
    return left;
  }

  /** An honest sender never has more on its way than its credit; only a forger fills a backlog. */
  #keepForLater(message: readonly unknown[], from: number, where: 'push' | 'unshift'): void {
    const frames = countedFrames(message, from);
    this.#backlogged += frames;
    this.#backlog[where]({ message, from, frames });
    if (this.#backlogged + this.#taken - this.#credited > WINDOW || this.#backlog.length > WINDOW * 2) this.#breach('more requests than credit allows');
  }

  #drainLater(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#options.defer(() => {
      this.#draining = false;
      let left = BUDGET;
      while (left >= 0 && this.#backlog.length > 0 && this.#closed === undefined) {
        const { message, from, frames } = this.#backlog.shift() as HeldMessage;
        this.#backlogged -= frames;
        left = this.#run(message, from, left);
      }
    });
  }

  #take(kind: number, sequence: number, message: readonly unknown[], index: number, packed: boolean): void {
    switch (kind) {
      case Kind.request:
        this.#serve(sequence, message[index + 1], message[index + 2], message[index + 3], packed);
        this.#credit();
        break;
      case Kind.note:
        this.#takeNote(message[index + 1], message[index + 2], message[index + 3], packed);
        this.#credit();
        break;
      case Kind.reply:
        this.#settle(sequence, true, message[index + 1], packed);
        break;
      case Kind.error:
        this.#settle(sequence, false, message[index + 1], false);
        break;
      case Kind.cancel:
        this.#inbound.get(sequence)?.abort(createError('call/cancelled', 'the caller cancelled the call'));
        break;
      case Kind.progress:
        this.#progress(sequence, message[index + 1]);
        break;
      case Kind.control:
        this.#refuse(this.#control.receiveRequest(message[index + 1]));
        break;
      case Kind.controlReply:
        this.#refuse(this.#control.receiveReply(message[index + 1]));
        break;
      case Kind.shape:
        this.#takeShape(sequence, message[index + 1]);
        break;
      default:
        // A sender may only be told of what it has sent, and never less than before.
        if (sequence > this.#sent || sequence < this.#acknowledged) this.#breach('credit for frames that were never sent');
        else {
          this.#acknowledged = sequence;
          this.#sendWaiting();
        }
    }
  }

  #takeShape(shape: number, skeleton: unknown): void {
    try {
      this.#reader.define(shape, skeleton);
    } catch (error) {
      this.#breach((error as Error).message);
    }
  }

  #decode(value: unknown, packed: boolean): unknown {
    return packed ? this.#reader.unpack(value) : decodeValue(value, this.#options.plugin);
  }

  #credit(): void {
    this.#taken += 1;
    if (this.#taken - this.#credited < ACKNOWLEDGE) return;
    this.#credited = this.#taken;
    this.#push(Kind.credit, this.#taken);
  }

  #serve(sequence: number, target: unknown, input: unknown, meta: unknown, packed: boolean): void {
    if (typeof target !== 'number' || this.#inbound.has(sequence)) {
      this.#breach('a request without a target, or twice');
      return;
    }
    if (this.#inbound.size >= MAX_WAITING) {
      this.#fail(sequence, createError('call/overloaded', `too many calls wait for an answer: ${MAX_WAITING}`, { plugin: this.#options.plugin }));
      return;
    }
    const inbound = new InboundRequest(this, sequence, this.#messageTime);
    let result: unknown;
    try {
      result = this.#options.serve(target, this.#decode(input, packed), decodeValue(meta, this.#options.plugin), inbound);
    } catch (error) {
      inbound.answered = true;
      this.#fail(sequence, error);
      return;
    }
    if (!isPromiseLike(result)) {
      inbound.answered = true;
      this.#reply(sequence, result);
      return;
    }
    this.#inbound.set(sequence, inbound);
    result.then(
      (value) => {
        inbound.answered = true;
        if (this.#inbound.delete(sequence)) this.#reply(sequence, value);
      },
      (error) => {
        inbound.answered = true;
        if (this.#inbound.delete(sequence)) this.#fail(sequence, error);
      },
    );
  }

  #reply(sequence: number, value: unknown): void {
    let packed: unknown[] | undefined;
    let encoded: unknown;
    try {
      packed = this.#writer.pack(value);
      encoded = packed ?? encodeValue(value);
    } catch (error) {
      this.#fail(sequence, error);
      return;
    }
    if (this.#closed !== undefined) return;
    this.#queue.push(headOf(sequence, packed === undefined ? Kind.reply : Kind.reply + PACKED), encoded);
    this.#schedule();
  }

  #fail(sequence: number, error: unknown): void {
    this.#push(Kind.error, sequence, errorToWire(error, this.#options.stacks, encodeValue));
  }

  /** For {@link InboundRequest}: tells the caller how far its call is. */
  sendProgress(sequence: number, value: unknown): void {
    this.#push(Kind.progress, sequence, encodeValue(value));
  }

  #takeNote(target: unknown, payload: unknown, meta: unknown, packed: boolean): void {
    try {
      if (typeof target !== 'number') throw createError('wire/refused', 'a note without a target');
      this.#options.note(target, this.#decode(payload, packed), decodeValue(meta, this.#options.plugin));
    } catch (error) {
      this.#options.onRefused?.(error as PluginError);
    }
  }

  #settle(sequence: number, ok: boolean, value: unknown, packed: boolean): void {
    const reply = this.#replies.get(sequence);
    if (reply === undefined) {
      // Late, after a cancel; or forged, which is the same harmless thing. A sequence that was never used is neither.
      if (sequence > this.#sequence || sequence === 0) this.#breach('a reply to a call that was never made');
      else this.lateReplies += 1;
      return;
    }
    this.#replies.delete(sequence);
    if (!ok) {
      reply.settle(false, decodeError(value, this.#options.plugin));
      return;
    }
    let decoded: unknown;
    try {
      decoded = this.#decode(value, packed);
    } catch (error) {
      reply.settle(false, error);
      return;
    }
    reply.settle(true, decoded);
  }

  #progress(sequence: number, value: unknown): void {
    try {
      this.#replies.get(sequence)?.progress?.(decodeValue(value, this.#options.plugin));
    } catch (error) {
      this.#options.onRefused?.(error as PluginError);
    }
  }

  /** A message that is no frame at all, for instance one meant for a bare Comlink. */
  #refuseForeign(message: unknown): void {
    const id = (message as { id?: unknown } | null)?.id;
    this.#refuse({ reason: 'not a frame', ...(typeof id === 'string' && id.length <= 80 && { id }) });
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.#options.onRefused?.(createError('wire/refused', `refused a message: ${refusal.reason}`, { plugin: this.#options.plugin, details: { reason: refusal.reason } }));
    if (refusal.id !== undefined) this.#push(Kind.controlReply, 0, refusalReply(refusal));
  }

  #stop(reason: string): -1 {
    this.#breach(reason);
    return -1;
  }

  #breach(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#options.onBreach(
      createError('wire/refused', `${this.#options.plugin ?? 'the kernel'} broke the protocol: ${reason}`, { plugin: this.#options.plugin, details: { reason } }),
    );
  }
}

/** Requests and notes from a place in a message on; what is malformed is found when its turn comes. */
function countedFrames(message: readonly unknown[], from: number): number {
  let frames = 0;
  for (let index = from; index < message.length; ) {
    const head = message[index];
    const kind = typeof head === 'number' ? kindOf(head) : -1;
    const slots = SLOTS[kind];
    if (slots === undefined) break;
    if (kind === Kind.request || kind === Kind.note) frames += 1;
    index += slots;
  }
  return frames;
}

class InboundRequest implements Inbound {
  readonly sequence: number;
  readonly received: number;
  onCancel: ((reason: Error) => void) | undefined = undefined;
  /** Nothing is sent for a call that has its answer. */
  answered = false;
  readonly #link: Link;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(link: Link, sequence: number, received: number) {
    this.#link = link;
    this.sequence = sequence;
    this.received = received;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  progress(value: unknown): void {
    if (!this.answered) this.#link.sendProgress(this.sequence, value);
  }

  abort(reason: Error): void {
    this.#aborted = { reason };
    this.answered = true;
    this.onCancel?.(reason);
    this.#controller?.abort(reason);
  }
}
