/**
 * The sending half of a link: the frames of a turn become one message. Requests, notes and progress
 * need credit. A frame without credit waits, and everything sent after it waits behind it, in
 * order.
 */
import { createSharedError } from '../contract/errors.js';
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import type { Endpoint } from './endpoint.js';
import {
  COUNTED,
  FIXED,
  Form,
  formOf,
  headOf,
  Kind,
  kindOf,
  sequenceOf,
  VALUED,
} from './frames.js';
import { HeldFrames } from './held.js';
import type { NoteQueue } from './note-queue.js';
import { ShapeWriter } from './shapes.js';
import { SharedValue } from './shared-value.js';
import { buffersIn, takeMark } from './transfer.js';
import type { Flushable, Turn } from './turn.js';
import {
  checkBounds,
  checkTransfer,
  clone,
  copySimple,
  copyValue,
  type Encoded,
  encode,
  isSimple,
  type StreamDoor,
} from './value.js';

/** Counted frames that may be sent without having been taken. */
export const WINDOW = 1_024;
/** Frames, notes to listeners excluded, that may wait for credit before a call fails at once. */
export const MAX_WAITING = 8_192;
/**
 * Notes that may wait for all listeners together: each has its own queue, and a guest may have
 * thousands.
 */
export const MAX_NOTES = 262_144;
/** A message with this many slots is posted before the turn ends. */
export const MAX_SLOTS = 4_096;
/** Slots of the largest frame. */
export const MAX_FRAME = 256;
/** Largest size in bytes at which a value is copied rather than posted at once. */
const SMALL_COPY = 4_096;
/** Kinds whose values may hold streams. */
const STREAMED: readonly boolean[] = [true, true];
/** A cancel because the deadline has passed. */
const LATE_CANCEL = headOf(0, Kind.cancel, 1);
/** Most names in one direction. */
const MAX_NAMES = 4_095;

/** What an outbox needs from its link. */
export interface OutboxParts {
  readonly endpoint: Endpoint;
  readonly turn: Turn;
  readonly streams: StreamDoor;
  /** Whether errors in values include their stacks. */
  readonly stacks: boolean;
  /** Name of the other side, for messages. */
  readonly peer: string | undefined;
  /** Whether a waiting request is still wanted. */
  wanted(sequence: number): boolean;
  /** A frame could not be sent. */
  failed(kind: number, sequence: number, frame: readonly unknown[], cause: unknown): void;
}

/** Notes to one listener that leave as one frame. */
interface Burst {
  /** Where the frame starts. */
  readonly at: number;
  readonly target: number;
  readonly meta: unknown;
  readonly values: SharedValue[];
}

interface Transfer {
  /** Where its frame starts. */
  readonly at: number;
  readonly buffers: readonly ArrayBuffer[];
}

/** Collects and posts frames; see the file comment. */
export class Outbox implements Flushable {
  /** How large the values of this side may be. */
  bounds: ValueBounds = DEFAULT_BOUNDS;
  readonly #parts: OutboxParts;
  readonly #shapes = new ShapeWriter();
  readonly #names = new Map<string, number>();
  readonly #held = new HeldFrames();
  /** Buffers of waiting frames, by the number of the frame. */
  readonly #heldTransfers = new Map<number, readonly ArrayBuffer[]>();
  readonly #heldQueues = new Map<number, NoteQueue>();
  /** Queues whose senders wait for room. */
  readonly #parkedQueues = new Set<NoteQueue>();
  #heldNumber = 0;
  #queue: unknown[] = [];
  #transfers: Transfer[] = [];
  #bursts: Burst[] = [];
  #moved: readonly ArrayBuffer[] | undefined;
  #dirty = false;
  /**
   * Whether a value is being written. A getter in it may send, and that message must come after it.
   */
  #writing = false;
  #later: (() => void)[] = [];
  /** Whether the frame that was just added must leave at once. */
  #urgent = false;
  #closed = false;
  #sent = 0;
  #acknowledged = 0;
  /** Sequence of the last request that was sent: they leave in order. */
  #lastRequest = 0;
  /** Requests cancelled while waiting, since the last clean-up. */
  #cancelled = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Whether everything was posted. */
  get empty(): boolean {
    return this.#queue.length === 0 && this.#held.size === 0;
  }

  /** Frames that wait for credit. */
  get waiting(): number {
    return this.#held.size;
  }

  /**
   * Adds a counted frame with a value.
   *
   * @param move whether the value's buffers may be moved because they are not used elsewhere.
   * @returns whether it waits for credit.
   * @throws PluginValidationError when the value can't cross, PluginOverloadedError when too many
   * frames wait.
   */
  request(
    kind: number,
    sequence: number,
    target: number,
    meta: unknown,
    value: unknown,
    move = false,
  ): boolean {
    if (this.#writing)
      return this.#sendLater(kind, sequence, () =>
        this.request(kind, sequence, target, meta, value, move),
      );
    try {
      return this.#addCounted(kind, sequence, target, meta, value, move);
    } finally {
      if (this.#later.length > 0) this.#runLater();
    }
  }

  /** @param promised whether it has a reserved place, so that lack of room doesn't refuse it. */
  #addCounted(
    kind: number,
    sequence: number,
    target: number,
    meta: unknown,
    value: unknown,
    move: boolean,
    promised = false,
  ): boolean {
    // Done first, because encoding may run a getter that sends.
    const text = value instanceof SharedValue ? value.text() : undefined;
    const hold = this.#held.size > 0 || this.#sent - this.#acknowledged >= WINDOW;
    if (hold && !promised && this.#waitingForRoom >= MAX_WAITING) this.#dropCancelled();
    if (value instanceof SharedValue && text !== undefined) {
      if (hold) this.#holdText(target, meta, value);
      else this.#addToBurst(target, meta, value);
      return hold;
    }
    const out = hold ? this.#held.slots : this.#queue;
    const start = out.length;
    out.push(0, target, meta);
    this.#complete(out, start, kind, sequence, value, move);
    if (hold) this.#hold(start);
    else {
      this.#sent += 1;
      if (kind === Kind.request) this.#lastRequest = sequence;
      this.#schedule();
    }
    return hold;
  }

  /** A request was sent directly, while nothing waited here. */
  passed(sequence: number): void {
    this.#lastRequest = sequence;
  }

  /**
   * Tells the other side that a request is no longer wanted. One that still waits here isn't sent.
   *
   * @param late whether its deadline has passed.
   */
  cancel(sequence: number, late: boolean): void {
    if (sequence <= this.#lastRequest) this.push(late ? LATE_CANCEL : Kind.cancel, sequence);
    else this.#cancelled += 1;
  }

  /**
   * Adds a note under the policy of its listener. If the sender should wait for room, returns a
   * promise.
   *
   * @throws as {@link request}.
   */
  note(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> | undefined {
    if (this.#writing) {
      this.#sendLater(Kind.note, 0, () => void this.note(target, meta, value, queue));
      return undefined;
    }
    if (this.#held.size === 0 && this.#sent - this.#acknowledged < WINDOW) {
      this.request(Kind.note, 0, target, meta, value);
      return undefined;
    }
    const crowded = this.#heldQueues.size >= MAX_NOTES;
    if (
      crowded ||
      queue.waiting.size >= queue.limit ||
      queue.parked.size > 0 ||
      (queue.overflow === 'latest' && queue.waiting.size > 0)
    ) {
      switch (queue.overflow) {
        case 'drop-newest':
          queue.onDrop();
          return undefined;
        case 'block':
          return this.#park(target, meta, value, queue);
        default: {
          // If all listeners together have too many, each makes room in its own queue.
          const most = queue.overflow === 'latest' ? 1 : crowded ? queue.waiting.size : queue.limit;
          if (most === 0) {
            queue.onDrop();
            return undefined;
          }
          while (queue.waiting.size >= most) this.#takeBack(queue);
        }
      }
    }
    this.#queueNote(target, meta, value, queue);
    return undefined;
  }

  /**
   * Adds an answer or a stream's item. These need no credit, because the other side asked for them.
   */
  value(kind: number, sequence: number, value: unknown, move = false): void {
    if (this.#writing) {
      this.#sendLater(kind, sequence, () => this.value(kind, sequence, value, move));
      return;
    }
    try {
      const start = this.#queue.length;
      this.#queue.push(0);
      this.#complete(this.#queue, start, kind, sequence, value, move);
      this.#schedule();
    } finally {
      if (this.#later.length > 0) this.#runLater();
    }
  }

  /** Adds a frame from plain slots. */
  push(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.#closed) return;
    if (this.#writing) {
      this.#sendLater(kind, sequence, () => this.push(kind, sequence, ...slots));
      return;
    }
    this.#queue.push(headOf(sequence, kind), ...slots);
    this.#schedule();
  }

  /** Adds a frame that keeps its order behind waiting frames but needs no credit itself. */
  ordered(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.#closed) return;
    if (this.#writing) {
      this.#sendLater(kind, sequence, () => this.ordered(kind, sequence, ...slots));
      return;
    }
    if (this.#held.size === 0) {
      this.push(kind, sequence, ...slots);
      return;
    }
    const start = this.#held.slots.length;
    this.#held.slots.push(headOf(sequence, kind), ...slots);
    this.#hold(start);
  }

  /** Adds a progress report; drops it without credit, because the next one replaces it. */
  progress(sequence: number, value: unknown): void {
    if (this.#held.size > 0 || this.#sent - this.#acknowledged >= WINDOW) return;
    this.value(Kind.progress, sequence, value);
    this.#sent += 1;
  }

  /** A number for a text that is sent often; 0 when there are too many names. */
  nameOf(text: string): number {
    let number = this.#names.get(text);
    if (number === undefined) {
      if (this.#names.size >= MAX_NAMES || text.length > 512) return 0;
      number = this.#names.size + 1;
      this.#names.set(text, number);
      this.push(Kind.name, number, text);
    }
    return number;
  }

  /** The other side has taken this many counted frames. False when that is impossible. */
  acknowledge(count: number): boolean {
    if (count > this.#sent || count < this.#acknowledged) return false;
    this.#acknowledged = count;
    this.#sendHeld();
    return true;
  }

  /** Waiting frames that have no queue of their own. */
  get #waitingForRoom(): number {
    return this.#held.size - this.#heldQueues.size;
  }

  /** Posts now what this turn has collected, instead of at its end. */
  flush(): void {
    if (this.#writing) return;
    this.#urgent = false;
    this.#dirty = false;
    const [queue, transfers] = [this.#queue, this.#transfers];
    if (queue.length === 0 || this.#closed) return;
    for (const { at, values } of this.#bursts) {
      queue[at] = headOf(values.length, Kind.note, Form.text);
      queue[at + 3] = SharedValue.burst(values);
    }
    if (this.#bursts.length > 0) this.#bursts = [];
    this.#queue = [];
    if (transfers.length > 0) this.#transfers = [];
    try {
      if (transfers.length === 0) this.#parts.endpoint.postMessage(queue);
      else
        this.#parts.endpoint.postMessage(
          queue,
          transfers.flatMap(({ buffers }) => buffers) as unknown as object[],
        );
    } catch {
      this.#flushOneByOne(queue, transfers);
    }
  }

  /** Posts a message with a port by itself, in order. */
  postPort(kind: number, sequence: number, slot: unknown, port: unknown): void {
    this.flush();
    if (!this.#closed)
      this.#parts.endpoint.postMessage([headOf(sequence, kind), slot, port], [port as object]);
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#bursts = [];
    this.#transfers = [];
    this.#held.clear();
    this.#heldTransfers.clear();
    this.#heldQueues.clear();
    for (const { parked } of this.#parkedQueues)
      for (let go = parked.shift(); go !== undefined; go = parked.shift()) go();
    this.#parkedQueues.clear();
  }

  /** Writes a frame's value and then its head. Leaves nothing behind when the value can't cross. */
  #complete(
    out: unknown[],
    start: number,
    kind: number,
    sequence: number,
    value: unknown,
    move: boolean,
  ): void {
    let form = -1;
    this.#writing = true;
    try {
      form = this.#write(out, value, move, STREAMED[kind] ? this.#parts.streams : undefined);
    } finally {
      this.#writing = false;
      if (form === -1) {
        out.length = start;
        this.#moved = undefined;
        this.#urgent = false;
        // The shape has its number, even if this value fails.
        this.#defineShape();
      }
    }
    out[start] = headOf(sequence, kind, form);
    if (this.#moved !== undefined && out === this.#queue) {
      this.#transfers.push({ at: start, buffers: this.#moved });
      this.#moved = undefined;
    }
    this.#defineShape();
  }

  #defineShape(): void {
    const { fresh } = this.#shapes;
    if (fresh === undefined) return;
    this.#shapes.fresh = undefined;
    this.push(Kind.shape, fresh.shape, fresh.skeleton);
  }

  /** Values are captured now: changes by their owner before the turn ends must not be sent. */
  #write(out: unknown[], value: unknown, move: boolean, streams: StreamDoor | undefined): number {
    if (value instanceof SharedValue) return this.#write(out, value.value, false, streams);
    if (!this.bounds.wide) checkBounds(value, this.bounds, true);
    if (typeof value !== 'object' || value === null) {
      out.push(isSimple(value) ? value : encode(value, undefined, this.bounds).value);
      return Form.plain;
    }
    if (this.#shapes.write(value, out)) return Form.packed;
    if (isSimple(value)) {
      out.push(copySimple(value));
      return Form.plain;
    }
    const marked = takeMark(value);
    const encoded = encode(value, streams, this.bounds, this.#parts.stacks);
    out.push(this.#taken(encoded, marked, move, out === this.#queue));
    return encoded.special ? Form.marked : Form.plain;
  }

  #taken(
    encoded: Encoded,
    marked: readonly ArrayBuffer[] | undefined,
    move: boolean,
    leaves: boolean,
  ): unknown {
    if (marked === undefined && move) {
      if (encoded.buffers.length > 0) this.#moved = [...new Set(encoded.buffers)];
      return encoded.value;
    }
    // Posting at once saves the copy. A small value is copied, so that its turn stays in one
    // message.
    if (leaves && (marked !== undefined || encoded.bytes > SMALL_COPY)) {
      if (marked !== undefined) this.#moved = checkTransfer(encoded, marked);
      this.#urgent = true;
      return encoded.value;
    }
    const copy = clone(encoded, marked);
    if (marked !== undefined) this.#moved = buffersIn(copy);
    return copy;
  }

  /** Consecutive notes to the same listener become one frame with a list of payloads. */
  #addToBurst(target: number, meta: unknown, value: SharedValue): void {
    const last = this.#bursts.at(-1);
    if (
      last !== undefined &&
      last.at + 4 === this.#queue.length &&
      last.target === target &&
      last.meta === meta
    )
      last.values.push(value);
    else {
      this.#bursts.push({ at: this.#queue.length, target, meta, values: [value] });
      this.#queue.push(0, target, meta, undefined);
    }
    this.#sent += 1;
    this.#schedule();
  }

  #holdText(target: number, meta: unknown, value: SharedValue): void {
    const { slots } = this.#held;
    const start = slots.length;
    slots.push(headOf(1, Kind.note, Form.text), target, meta, SharedValue.burst([value]));
    this.#hold(start);
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#parts.turn.frames += 1;
    if (this.#queue.length >= MAX_SLOTS || this.#urgent) this.flush();
    else if (!this.#dirty) {
      this.#dirty = true;
      this.#parts.turn.add(this);
    }
  }

  #hold(start: number): void {
    this.#heldNumber = this.#held.keep(start);
    if (this.#moved === undefined) return;
    this.#heldTransfers.set(this.#heldNumber, this.#moved);
    this.#moved = undefined;
  }

  #sendHeld(): void {
    for (let start = this.#held.first(); start !== -1; start = this.#held.first()) {
      const { slots } = this.#held;
      const head = slots[start] as number;
      const kind = kindOf(head);
      const wanted = kind !== Kind.request || this.#parts.wanted(sequenceOf(head));
      if (wanted) {
        if (COUNTED[kind]) {
          if (this.#sent - this.#acknowledged >= WINDOW) return;
          this.#sent += 1;
        }
        if (kind === Kind.request) this.#lastRequest = sequenceOf(head);
        const at = this.#queue.length;
        for (let slot = start, end = this.#held.firstEnd(); slot < end; slot++)
          this.#queue.push(slots[slot]);
        this.#sendHeldExtras(at);
      } else this.#heldTransfers.delete(this.#held.firstNumber);
      const queue = this.#heldQueues.get(this.#held.firstNumber);
      this.#heldQueues.delete(this.#held.firstNumber);
      this.#held.shift();
      if (wanted) this.#schedule();
      if (queue !== undefined) {
        queue.waiting.shift();
        this.#unpark(queue);
      }
    }
  }

  /** Sends the buffers of the first waiting frame with it. */
  #sendHeldExtras(at: number): void {
    if (this.#heldTransfers.size === 0) return;
    const number = this.#held.firstNumber;
    const buffers = this.#heldTransfers.get(number);
    if (buffers === undefined) return;
    this.#heldTransfers.delete(number);
    this.#transfers.push({ at, buffers });
  }

  /** Lets senders that waited for room continue, in order, as far as there is room. */
  #unpark(queue: NoteQueue): void {
    while (queue.parked.size > 0 && queue.waiting.size < queue.limit) queue.parked.shift()?.();
    if (queue.parked.size === 0) this.#parkedQueues.delete(queue);
  }

  /** Queues a note for its listener; the queue has room. */
  #queueNote(target: number, meta: unknown, value: unknown, queue: NoteQueue): void {
    if (!this.#addCounted(Kind.note, 0, target, meta, value, false, true)) return;
    queue.waiting.push(this.#heldNumber);
    this.#heldQueues.set(this.#heldNumber, queue);
  }

  #takeBack(queue: NoteQueue): void {
    const number = queue.waiting.shift() as number;
    this.#held.void(number);
    this.#heldQueues.delete(number);
    this.#heldTransfers.delete(number);
    queue.onDrop();
  }

  /**
   * Waits until the listener's queue has room. Parked notes keep their order; their values are
   * captured now.
   */
  #park(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> {
    if (queue.parked.size >= MAX_WAITING) throw this.#overloaded();
    const copy = (one: unknown) => copyValue(one, undefined, undefined, this.bounds);
    const taken = value instanceof SharedValue ? new SharedValue(copy(value.value)) : copy(value);
    this.#parkedQueues.add(queue);
    return new Promise((resolve, reject) => {
      queue.parked.push(() => {
        try {
          if (!this.#closed) this.#queueNote(target, meta, taken, queue);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Sends a message that can't be cloned frame by frame, so that only the bad frame fails. */
  #flushOneByOne(queue: readonly unknown[], transfers: readonly Transfer[]): void {
    for (let index = 0; index < queue.length; ) {
      const head = queue[index] as number;
      const end = index + this.#lengthOf(queue, index);
      const frame = queue.slice(index, end);
      // A failed post leaves its buffers attached, so each frame still has its own.
      const buffers = transfers.flatMap((one) => (one.at === index ? one.buffers : []));
      index = end;
      try {
        this.#parts.endpoint.postMessage(frame, buffers as unknown as object[]);
      } catch (cause) {
        if (COUNTED[kindOf(head)]) this.#sent -= formOf(head) === Form.text ? sequenceOf(head) : 1;
        this.#parts.failed(kindOf(head), sequenceOf(head), frame, cause);
      }
    }
  }

  #lengthOf(queue: readonly unknown[], index: number): number {
    const head = queue[index] as number;
    const kind = kindOf(head);
    const fixed = FIXED[kind] as number;
    if (!VALUED[kind]) return fixed;
    return (
      fixed +
      (formOf(head) === Form.packed ? this.#shapes.leavesOf(queue[index + fixed] as number) + 1 : 1)
    );
  }

  #sendLater(kind: number, sequence: number, send: () => void): false {
    this.#later.push(() => {
      try {
        send();
      } catch (cause) {
        this.#parts.failed(kind, sequence, [], cause);
      }
    });
    return false;
  }

  #runLater(): void {
    const later = this.#later;
    this.#later = [];
    for (const send of later) send();
  }

  /** Drops waiting calls that were cancelled. */
  #dropCancelled(): void {
    // Searched only if some were cancelled: in a flood this runs a thousand times a turn.
    if (this.#cancelled > 0) {
      this.#cancelled = 0;
      this.#held.sweep(
        (head) => kindOf(head) === Kind.request && !this.#parts.wanted(sequenceOf(head)),
        (number) => this.#heldTransfers.delete(number),
      );
    }
    if (this.#waitingForRoom >= MAX_WAITING) throw this.#overloaded();
  }

  #overloaded(): Error {
    const { peer } = this.#parts;
    return createSharedError(
      'call/overloaded',
      `too many messages wait for ${peer ?? 'the kernel'}: ${MAX_WAITING}`,
      { plugin: peer },
    );
  }
}
