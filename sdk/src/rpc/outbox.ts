/**
 * The sending half of a link: frames of a turn become one message. Requests, notes and progress need credit; what has
 * none waits in order, everything that was sent after it included.
 */
import { createSharedError } from '../contract/errors.js';
import type { Endpoint } from './endpoint.js';
import { COUNTED, FIXED, Form, formOf, headOf, Kind, kindOf, sequenceOf, VALUED } from './frames.js';
import { HeldFrames } from './held.js';
import type { NoteQueue } from './note-queue.js';
import { ShapeWriter } from './shapes.js';
import { buffersIn, takeMark } from './transfer.js';
import type { Flushable, Turn } from './turn.js';
import { checkTransfer, clone, copySimple, copyValue, type Encoded, encode, isSimple, type StreamDoor, textOf } from './value.js';

/** Counted frames that may be on their way without having been taken. */
export const WINDOW = 1_024;
/** Frames that may wait for credit before a call fails at once. */
export const MAX_WAITING = 8_192;
/** A message is posted when it holds this many slots, though the turn goes on. */
export const MAX_SLOTS = 4_096;
/** Slots of the largest frame. */
export const MAX_FRAME = 256;
/** Bytes up to which a value is copied rather than posted at once. */
const SMALL_COPY = 4_096;
/** Kinds whose values may hold streams. */
const STREAMED: readonly boolean[] = [true, true];
/** Names of one direction. */
const MAX_NAMES = 4_095;

/** What an outbox needs of its link. */
export interface OutboxParts {
  readonly endpoint: Endpoint;
  readonly turn: Turn;
  readonly streams: StreamDoor;
  /** Who is on the other side, for messages. */
  readonly peer: string | undefined;
  /** Whether a request that waited is still wanted. */
  wanted(sequence: number): boolean;
  /** A frame could not be sent. */
  failed(kind: number, sequence: number, frame: readonly unknown[], cause: unknown): void;
}

/** One value for many receivers: encoded when the second of them gets it. */
export class SharedValue {
  readonly value: unknown;
  #text: string | undefined;
  #uses = 0;
  /** A burst that ends with this value, as text: other receivers mostly get the same burst. */
  #burst: { readonly first: SharedValue; readonly count: number; readonly text: string } | undefined;

  constructor(value: unknown) {
    this.value = value;
    // Many receivers: what was marked to move is copied for each.
    if (typeof value === 'object' && value !== null) takeMark(value);
  }

  /** The encoded text, from the second receiver on, when the value can travel as text. */
  text(): string | undefined {
    this.#uses += 1;
    if (this.#uses === 2) this.#text = textOf(this.value);
    return this.#text;
  }

  /** Values that have texts as one list. */
  static burst(values: readonly SharedValue[]): string {
    const [first, last] = [values[0] as SharedValue, values.at(-1) as SharedValue];
    if (last.#burst?.first !== first || last.#burst.count !== values.length) {
      last.#burst = { first, count: values.length, text: `[${values.map((value) => value.#text).join()}]` };
    }
    return last.#burst.text;
  }
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
  readonly #parts: OutboxParts;
  readonly #shapes = new ShapeWriter();
  readonly #names = new Map<string, number>();
  readonly #held = new HeldFrames();
  /** Buffers of held frames, by the number of the frame. */
  readonly #heldTransfers = new Map<number, readonly ArrayBuffer[]>();
  readonly #heldQueues = new Map<number, NoteQueue>();
  /** Queues with senders that wait for room. */
  readonly #parkedQueues = new Set<NoteQueue>();
  #heldNumber = 0;
  #queue: unknown[] = [];
  #transfers: Transfer[] = [];
  #bursts: Burst[] = [];
  #moved: readonly ArrayBuffer[] | undefined;
  #dirty = false;
  /** Whether a value is being written: a getter in it may send, and what it sends has to come after. */
  #writing = false;
  #later: (() => void)[] = [];
  /** Whether what was just added has to leave at once. */
  #urgent = false;
  #closed = false;
  #sent = 0;
  #acknowledged = 0;
  /** Sequence of the last request that has left: they leave in order. */
  #lastRequest = 0;
  /** Requests that were given up while they waited, since the last look at them. */
  #givenUp = 0;

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
   * @param move whether the buffers in the value are nobody's any more and may be moved.
   * @returns whether it waits for credit.
   * @throws PluginValidationError when the value can't cross, PluginOverloadedError when too many frames wait.
   */
  request(kind: number, sequence: number, target: number, meta: unknown, value: unknown, move = false): boolean {
    if (this.#writing) return this.#sendLater(kind, sequence, () => this.request(kind, sequence, target, meta, value, move));
    try {
      return this.#addCounted(kind, sequence, target, meta, value, move);
    } finally {
      if (this.#later.length > 0) this.#runLater();
    }
  }

  /** @param promised whether its place was promised before, so that it isn't refused for want of room. */
  #addCounted(kind: number, sequence: number, target: number, meta: unknown, value: unknown, move: boolean, promised = false): boolean {
    // Before anything is decided: encoding may run a getter that sends.
    const text = value instanceof SharedValue ? value.text() : undefined;
    const hold = this.#held.size > 0 || this.#sent - this.#acknowledged >= WINDOW;
    if (hold && !promised && this.#held.size >= MAX_WAITING) this.#makeRoom();
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

  /** A request has gone another way, while nothing waited here. */
  passed(sequence: number): void {
    this.#lastRequest = sequence;
  }

  /** Tells the other side that nobody waits for a request any more; one that is still here just isn't sent. */
  cancel(sequence: number): void {
    if (sequence <= this.#lastRequest) this.push(Kind.cancel, sequence);
    else this.#givenUp += 1;
  }

  /**
   * Adds a note under the policy of its listener. A promise says that the sender should wait for room.
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
    if (queue.waiting.size >= queue.limit || queue.parked.size > 0 || (queue.overflow === 'latest' && queue.waiting.size > 0)) {
      switch (queue.overflow) {
        case 'drop-newest':
          queue.onDrop();
          return undefined;
        case 'block':
          return this.#park(target, meta, value, queue);
        default:
          while (queue.waiting.size >= (queue.overflow === 'latest' ? 1 : queue.limit)) this.#takeBack(queue);
      }
    }
    this.#queueNote(target, meta, value, queue);
    return undefined;
  }

  /** Adds an answer or a stream's item: frames that need no credit, because they answer the other side. */
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

  /** Adds a frame whose slots are given and plain. */
  push(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.#closed) return;
    if (this.#writing) {
      this.#sendLater(kind, sequence, () => this.push(kind, sequence, ...slots));
      return;
    }
    this.#queue.push(headOf(sequence, kind), ...slots);
    this.#schedule();
  }

  /** Adds a frame that keeps its place behind what waits for credit, and needs none. */
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

  /** Adds how far a call is, or nothing when there is no credit: the next one says more. */
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

  /** The other side has taken this many counted frames; false when it can't have. */
  acknowledge(count: number): boolean {
    if (count > this.#sent || count < this.#acknowledged) return false;
    this.#acknowledged = count;
    this.#sendHeld();
    return true;
  }

  /** Posts what this turn has collected now instead of at its end. */
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
      else this.#parts.endpoint.postMessage(queue, transfers.flatMap(({ buffers }) => buffers) as unknown as object[]);
    } catch {
      this.#flushOneByOne(queue, transfers);
    }
  }

  /** Posts a message with ports in it by itself, in its place. */
  postPort(kind: number, sequence: number, slot: unknown, port: unknown): void {
    this.flush();
    if (!this.#closed) this.#parts.endpoint.postMessage([headOf(sequence, kind), slot, port], [port as object]);
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#bursts = [];
    this.#transfers = [];
    this.#held.clear();
    this.#heldTransfers.clear();
    this.#heldQueues.clear();
    for (const { parked } of this.#parkedQueues) for (let go = parked.shift(); go !== undefined; go = parked.shift()) go();
    this.#parkedQueues.clear();
  }

  /** Writes a frame's value and then its head; leaves nothing behind when the value can't cross. */
  #complete(out: unknown[], start: number, kind: number, sequence: number, value: unknown, move: boolean): void {
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
        // The shape has its number, whatever became of this value.
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

  /** Values are taken as they are now: what their owner changes before the turn ends must not show. */
  #write(out: unknown[], value: unknown, move: boolean, streams: StreamDoor | undefined): number {
    if (typeof value !== 'object' || value === null) {
      out.push(isSimple(value) ? value : encode(value).value);
      return Form.plain;
    }
    if (value instanceof SharedValue) return this.#write(out, value.value, false, streams);
    if (this.#shapes.write(value, out)) return Form.packed;
    if (isSimple(value)) {
      out.push(copySimple(value));
      return Form.plain;
    }
    const marked = takeMark(value);
    const encoded = encode(value, streams);
    out.push(this.#taken(encoded, marked, move, out === this.#queue));
    return encoded.special ? Form.marked : Form.plain;
  }

  #taken(encoded: Encoded, marked: readonly ArrayBuffer[] | undefined, move: boolean, leaves: boolean): unknown {
    if (marked === undefined && move) {
      if (encoded.buffers.length > 0) this.#moved = [...new Set(encoded.buffers)];
      return encoded.value;
    }
    // Posting it at once takes it for nothing; a small one is worth a copy, because it keeps its turn together.
    if (leaves && (marked !== undefined || encoded.bytes > SMALL_COPY)) {
      if (marked !== undefined) this.#moved = checkTransfer(encoded, marked);
      this.#urgent = true;
      return encoded.value;
    }
    const copy = clone(encoded, marked);
    if (marked !== undefined) this.#moved = buffersIn(copy);
    return copy;
  }

  /** Notes that follow one another to the same listener become one frame with a list of payloads. */
  #addToBurst(target: number, meta: unknown, value: SharedValue): void {
    const last = this.#bursts.at(-1);
    if (last !== undefined && last.at + 4 === this.#queue.length && last.target === target && last.meta === meta) last.values.push(value);
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
        for (let slot = start, end = this.#held.firstEnd(); slot < end; slot++) this.#queue.push(slots[slot]);
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

  /** The buffers of the first held frame go with it. */
  #sendHeldExtras(at: number): void {
    if (this.#heldTransfers.size === 0) return;
    const number = this.#held.firstNumber;
    const buffers = this.#heldTransfers.get(number);
    if (buffers === undefined) return;
    this.#heldTransfers.delete(number);
    this.#transfers.push({ at, buffers });
  }

  /** Senders that waited for room take it, in order, as far as it goes. */
  #unpark(queue: NoteQueue): void {
    while (queue.parked.size > 0 && queue.waiting.size < queue.limit) queue.parked.shift()?.();
    if (queue.parked.size === 0) this.#parkedQueues.delete(queue);
  }

  #queueNote(target: number, meta: unknown, value: unknown, queue: NoteQueue, promised = false): void {
    if (!this.#addCounted(Kind.note, 0, target, meta, value, false, promised)) return;
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

  /** Waits until the listener's queue has room; parked notes follow one another. Their values are taken now. */
  #park(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> {
    if (queue.parked.size >= MAX_WAITING) throw this.#overloaded();
    const taken = value instanceof SharedValue ? new SharedValue(copyValue(value.value)) : copyValue(value);
    this.#parkedQueues.add(queue);
    return new Promise((resolve, reject) => {
      queue.parked.push(() => {
        try {
          if (!this.#closed) this.#queueNote(target, meta, taken, queue, true);
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** A message that can't be cloned is sent frame by frame, so that only the culprit fails. */
  #flushOneByOne(queue: readonly unknown[], transfers: readonly Transfer[]): void {
    for (let index = 0; index < queue.length; ) {
      const head = queue[index] as number;
      const end = index + this.#lengthOf(queue, index);
      const frame = queue.slice(index, end);
      // A failed posting leaves its buffers attached, so each frame still has its own.
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
    return fixed + (formOf(head) === Form.packed ? this.#shapes.leavesOf(queue[index + fixed] as number) + 1 : 1);
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

  /** Calls that were given up while they waited leave their places. */
  #makeRoom(): void {
    // Looking through all that waits is for when there is something to find: a flood is refused a thousand times a turn.
    if (this.#givenUp > 0) {
      this.#givenUp = 0;
      this.#held.sweep(
        (head) => kindOf(head) === Kind.request && !this.#parts.wanted(sequenceOf(head)),
        (number) => this.#heldTransfers.delete(number),
      );
    }
    if (this.#held.size >= MAX_WAITING) throw this.#overloaded();
  }

  #overloaded(): Error {
    const { peer } = this.#parts;
    return createSharedError('call/overloaded', `too many messages wait for ${peer ?? 'the kernel'}: ${MAX_WAITING}`, { plugin: peer });
  }
}
