/**
 * The sending half of a link: the frames of a turn become one message. Requests, notes and progress
 * need credit. A frame without credit waits, and everything sent after it waits behind it, in
 * order.
 */
import { Backlog } from './backlog.js';
import { Batch } from './batch.js';
import type { ValueBounds } from './bounds.js';
import { Credit } from './credit.js';
import { DeferredSends } from './deferred-sends.js';
import type { Endpoint } from './endpoint.js';
import { FrameWriter } from './frame-writer.js';
import { COUNTED, Form, formOf, headOf, Kind, kindOf, sequenceOf } from './frames.js';
import { Names } from './names.js';
import type { NoteQueue } from './note-queue.js';
import { overloaded } from './send-limits.js';
import { ShapeWriter } from './shapes.js';
import { SharedValue } from './shared-value.js';
import type { StreamDoor } from './stream-door.js';
import type { Turn } from './turn.js';
import { copyValue } from './value.js';
import { type NoteSender, WaitingNotes } from './waiting-notes.js';

/** A cancel because the deadline has passed. */
const LATE_CANCEL = headOf(0, Kind.cancel, 1);

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

/** Collects and posts frames; see the file comment. */
export class Outbox implements NoteSender {
  readonly #parts: OutboxParts;
  readonly #credit = new Credit();
  readonly #batch: Batch;
  readonly #writer: FrameWriter;
  readonly #backlog: Backlog;
  readonly #names = new Names();
  readonly #notes = new WaitingNotes(this);
  /** The number of the frame that was kept last. */
  #kept = 0;
  readonly #later: DeferredSends;

  constructor(parts: OutboxParts) {
    const { endpoint, turn, streams, stacks } = parts;
    const shapes = new ShapeWriter();
    this.#parts = parts;
    this.#later = new DeferredSends((kind, sequence, cause) =>
      parts.failed(kind, sequence, [], cause),
    );
    this.#batch = new Batch({
      endpoint,
      turn,
      shapes,
      failed: (head, frame, cause) => {
        if (COUNTED[kindOf(head)])
          this.#credit.sent -= formOf(head) === Form.text ? sequenceOf(head) : 1;
        parts.failed(kindOf(head), sequenceOf(head), frame, cause);
      },
    });
    this.#writer = new FrameWriter({ batch: this.#batch, shapes, streams, stacks });
    this.#backlog = new Backlog({
      batch: this.#batch,
      credit: this.#credit,
      notes: this.#notes,
      wanted: (sequence) => parts.wanted(sequence),
    });
  }

  /** Sets how large the values of this side may be. */
  set bounds(bounds: ValueBounds) {
    this.#writer.bounds = bounds;
  }

  get peer(): string | undefined {
    return this.#parts.peer;
  }

  get closed(): boolean {
    return this.#batch.closed;
  }

  /** Whether everything was posted. */
  get empty(): boolean {
    return this.#batch.slots.length === 0 && this.#backlog.size === 0;
  }

  /** Messages posted so far. */
  get posted(): number {
    return this.#batch.posted;
  }

  /** Frames that wait for credit. */
  get waiting(): number {
    return this.#backlog.size;
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
    if (this.#batch.writing)
      return this.#later.add(kind, sequence, () =>
        this.request(kind, sequence, target, meta, value, move),
      );
    try {
      return this.#addCounted(kind, sequence, target, meta, value, move);
    } finally {
      if (this.#later.any) this.#later.run();
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
    const hold = this.#holds;
    if (hold && !promised && this.#backlog.full) throw overloaded(this.peer);
    if (value instanceof SharedValue && text !== undefined) {
      if (hold) this.#kept = this.#backlog.keepText(target, meta, value);
      else {
        this.#credit.sent += 1;
        this.#batch.note(target, meta, value);
      }
      return hold;
    }
    const out = hold ? this.#backlog.slots : this.#batch.slots;
    const start = out.length;
    out.push(0, target, meta);
    const urgent = this.#writer.complete(out, start, kind, sequence, value, move);
    if (hold) this.#kept = this.#backlog.keep(start, this.#writer.takeMoved());
    else {
      this.#credit.spend(kind, sequence);
      this.#batch.schedule(urgent);
    }
    return hold;
  }

  /** Whether a counted frame has to wait: for credit, or behind one that waits. */
  get #holds(): boolean {
    return this.#backlog.size > 0 || this.#credit.used;
  }

  /** A request was sent directly, while nothing waited here. */
  passed(sequence: number): void {
    this.#credit.lastRequest = sequence;
  }

  /**
   * Tells the other side that a request is no longer wanted. One that still waits here isn't sent.
   *
   * @param late whether its deadline has passed.
   */
  cancel(sequence: number, late: boolean): void {
    if (sequence <= this.#credit.lastRequest) this.push(late ? LATE_CANCEL : Kind.cancel, sequence);
    else this.#backlog.cancelled();
  }

  /**
   * Adds a note under the policy of its listener. If the sender should wait for room, returns a
   * promise.
   *
   * @throws as {@link request}.
   */
  note(target: number, meta: unknown, value: unknown, queue: NoteQueue): Promise<void> | undefined {
    if (this.#batch.writing) {
      this.#later.add(Kind.note, 0, () => void this.note(target, meta, value, queue));
      return undefined;
    }
    if (!this.#holds) {
      this.request(Kind.note, 0, target, meta, value);
      return undefined;
    }
    return this.#notes.add(target, meta, value, queue);
  }

  /** @internal for {@link WaitingNotes}. */
  add(target: number, meta: unknown, value: unknown): number | undefined {
    const waits = this.#addCounted(Kind.note, 0, target, meta, value, false, true);
    return waits ? this.#kept : undefined;
  }

  /** @internal for {@link WaitingNotes}. */
  takeBack(number: number): void {
    this.#backlog.takeBack(number);
  }

  /** @internal for {@link WaitingNotes}. */
  copy(value: unknown): unknown {
    return copyValue(value, undefined, undefined, this.#writer.bounds);
  }

  /**
   * Adds an answer or a stream's item. These need no credit, because the other side asked for them.
   */
  value(kind: number, sequence: number, value: unknown, move = false): void {
    if (this.#batch.writing) {
      this.#later.add(kind, sequence, () => this.value(kind, sequence, value, move));
      return;
    }
    try {
      const out = this.#batch.slots;
      const start = out.length;
      out.push(0);
      this.#batch.schedule(this.#writer.complete(out, start, kind, sequence, value, move));
    } finally {
      if (this.#later.any) this.#later.run();
    }
  }

  /** Adds a frame from plain slots. */
  push(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.closed) return;
    if (this.#batch.writing) {
      this.#later.add(kind, sequence, () => this.push(kind, sequence, ...slots));
      return;
    }
    this.#batch.slots.push(headOf(sequence, kind), ...slots);
    this.#batch.schedule(false);
  }

  /** Adds a frame that keeps its order behind waiting frames but needs no credit itself. */
  ordered(kind: number, sequence: number, ...slots: readonly unknown[]): void {
    if (this.#batch.writing) {
      this.#later.add(kind, sequence, () => this.ordered(kind, sequence, ...slots));
      return;
    }
    if (this.closed || this.#backlog.size === 0) return this.push(kind, sequence, ...slots);
    const start = this.#backlog.slots.length;
    this.#backlog.slots.push(headOf(sequence, kind), ...slots);
    this.#backlog.keep(start);
  }

  /** Adds a progress report; drops it without credit, because the next one replaces it. */
  progress(sequence: number, value: unknown): void {
    if (this.#holds) return;
    this.value(Kind.progress, sequence, value);
    this.#credit.sent += 1;
  }

  /** A number for a text that is sent often; 0 when there are too many names. */
  nameOf(text: string): number {
    return this.#names.of(text, (number) => this.push(Kind.name, number, text));
  }

  /** The other side has taken this many counted frames. False when that is impossible. */
  acknowledge(count: number): boolean {
    if (!this.#credit.acknowledge(count)) return false;
    this.#backlog.send();
    return true;
  }

  /** Posts now what this turn has collected, instead of at its end. */
  flush(): void {
    this.#batch.flush();
  }

  /** Posts a message with a port by itself, in order. */
  postPort(kind: number, sequence: number, slot: unknown, port: unknown): void {
    this.#batch.postPort(kind, sequence, slot, port);
  }

  close(): void {
    this.#batch.close();
    this.#backlog.clear();
    this.#notes.close();
  }
}
