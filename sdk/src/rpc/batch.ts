/** The message that a turn collects: its frames, and the buffers that move with them. */
import type { Endpoint } from './endpoint.js';
import { FIXED, Form, formOf, headOf, Kind, kindOf, VALUED } from './frames.js';
import { MAX_SLOTS } from './send-limits.js';
import type { ShapeWriter } from './shapes.js';
import { SharedValue } from './shared-value.js';
import type { Flushable, Turn } from './turn.js';

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

/** What a batch needs from its outbox. */
export interface BatchParts {
  readonly endpoint: Endpoint;
  readonly turn: Turn;
  readonly shapes: Pick<ShapeWriter, 'leavesOf'>;
  /** A frame could not be posted. */
  failed(head: number, frame: readonly unknown[], cause: unknown): void;
}

/** Collects the frames of one turn, and posts them at its end. */
export class Batch implements Flushable {
  /** The frames so far. Each is appended whole, then {@link schedule} is called. */
  slots: unknown[] = [];
  /** Whether a frame is being written. Nothing is posted then. */
  writing = false;
  closed = false;
  /** Messages posted so far. */
  posted = 0;
  readonly #parts: BatchParts;
  #transfers: Transfer[] = [];
  #bursts: Burst[] = [];
  #dirty = false;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /** A frame was appended. @param urgent whether it must leave at once. */
  schedule(urgent: boolean): void {
    if (this.closed) return;
    this.#parts.turn.frames += 1;
    if (urgent || this.slots.length >= MAX_SLOTS) this.flush();
    else if (!this.#dirty) {
      this.#dirty = true;
      this.#parts.turn.add(this);
    }
  }

  /** Moves buffers with the frame that starts at a slot. */
  move(at: number, buffers: readonly ArrayBuffer[]): void {
    this.#transfers.push({ at, buffers });
  }

  /** Appends a note as text. Consecutive ones to the same listener become one frame. */
  note(target: number, meta: unknown, value: SharedValue): void {
    const last = this.#bursts.at(-1);
    if (
      last !== undefined &&
      last.at + 4 === this.slots.length &&
      last.target === target &&
      last.meta === meta
    )
      last.values.push(value);
    else {
      this.#bursts.push({ at: this.slots.length, target, meta, values: [value] });
      this.slots.push(0, target, meta, undefined);
    }
    this.schedule(false);
  }

  /** Posts now what this turn has collected, instead of at its end. */
  flush(): void {
    if (this.writing) return;
    this.#dirty = false;
    const [slots, transfers] = [this.slots, this.#transfers];
    if (slots.length === 0 || this.closed) return;
    for (const { at, values } of this.#bursts) {
      slots[at] = headOf(values.length, Kind.note, Form.text);
      slots[at + 3] = SharedValue.burst(values);
    }
    if (this.#bursts.length > 0) this.#bursts = [];
    this.slots = [];
    this.posted += 1;
    if (transfers.length > 0) this.#transfers = [];
    try {
      if (transfers.length === 0) this.#parts.endpoint.postMessage(slots);
      else
        this.#parts.endpoint.postMessage(
          slots,
          transfers.flatMap(({ buffers }) => buffers) as unknown as object[],
        );
    } catch {
      this.#flushOneByOne(slots, transfers);
    }
  }

  /** Posts a message with a port by itself, in order. */
  postPort(kind: number, sequence: number, slot: unknown, port: unknown): void {
    this.flush();
    if (!this.closed)
      this.#parts.endpoint.postMessage([headOf(sequence, kind), slot, port], [port as object]);
  }

  close(): void {
    this.closed = true;
    this.slots = [];
    this.#bursts = [];
    this.#transfers = [];
  }

  /** Sends a message that can't be cloned frame by frame, so that only the bad frame fails. */
  #flushOneByOne(slots: readonly unknown[], transfers: readonly Transfer[]): void {
    for (let index = 0; index < slots.length; ) {
      const head = slots[index] as number;
      const end = index + this.#lengthOf(slots, index);
      const frame = slots.slice(index, end);
      // A failed post leaves its buffers attached, so each frame still has its own.
      const buffers = transfers.flatMap((one) => (one.at === index ? one.buffers : []));
      index = end;
      try {
        this.#parts.endpoint.postMessage(frame, buffers as unknown as object[]);
      } catch (cause) {
        this.#parts.failed(head, frame, cause);
      }
    }
  }

  #lengthOf(slots: readonly unknown[], index: number): number {
    const head = slots[index] as number;
    const kind = kindOf(head);
    const fixed = FIXED[kind] as number;
    if (!VALUED[kind]) return fixed;
    const leaves =
      formOf(head) === Form.packed
        ? this.#parts.shapes.leavesOf(slots[index + fixed] as number)
        : 0;
    return fixed + leaves + 1;
  }
}
