/** Writes frames with values: packed by their shape, copied, or with their buffers. */
import type { Batch } from './batch.js';
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import { Form, headOf, Kind } from './frames.js';
import type { ShapeWriter } from './shapes.js';
import { SharedValue } from './shared-value.js';
import { copySimple, isSimple } from './simple-value.js';
import type { StreamDoor } from './stream-door.js';
import { buffersIn, takeMark } from './transfer.js';
import { checkBounds, checkTransfer, clone, type Encoded, encode } from './value.js';

/** Largest size in bytes at which a value is copied rather than posted at once. */
const SMALL_COPY = 4_096;

/** Kinds whose values may hold streams. */
const STREAMED: readonly boolean[] = [true, true];

/** What a writer needs from its outbox. */
export interface FrameWriterParts {
  readonly batch: Batch;
  readonly shapes: ShapeWriter;
  readonly streams: StreamDoor;
  /** Whether errors in values include their stacks. */
  readonly stacks: boolean;
}

/** Owns what the value that was written last needs. */
export class FrameWriter {
  /** How large the values of this side may be. */
  bounds: ValueBounds = DEFAULT_BOUNDS;
  readonly #parts: FrameWriterParts;
  /** Buffers that move with the value that was written last. */
  #moved: readonly ArrayBuffer[] | undefined;
  /** Whether the value that was written last must leave at once, because it is not a copy. */
  #urgent = false;

  constructor(parts: FrameWriterParts) {
    this.#parts = parts;
  }

  /**
   * Writes a frame's value and then its head. Leaves nothing behind when the value can't cross.
   *
   * @param move whether the value's buffers may be moved because they are not used elsewhere.
   * @returns whether the frame must leave at once.
   * @throws PluginValidationError `value/invalid`.
   */
  complete(
    out: unknown[],
    start: number,
    kind: number,
    sequence: number,
    value: unknown,
    move: boolean,
  ): boolean {
    const { batch, streams } = this.#parts;
    const leaves = out === batch.slots;
    let form = -1;
    batch.writing = true;
    try {
      form = this.#write(out, value, move, STREAMED[kind] ? streams : undefined, leaves);
    } finally {
      batch.writing = false;
      if (form === -1) {
        out.length = start;
        this.#moved = undefined;
        this.#urgent = false;
        // The shape has its number, even if this value fails.
        this.#defineShape();
      }
    }
    out[start] = headOf(sequence, kind, form);
    if (this.#moved !== undefined && leaves) {
      batch.move(start, this.#moved);
      this.#moved = undefined;
    }
    const urgent = this.#urgent;
    this.#urgent = false;
    this.#defineShape();
    return urgent;
  }

  /** The buffers of a frame that waits. They belong to the caller then. */
  takeMoved(): readonly ArrayBuffer[] | undefined {
    const moved = this.#moved;
    if (moved !== undefined) this.#moved = undefined;
    return moved;
  }

  #defineShape(): void {
    const { batch, shapes } = this.#parts;
    const { fresh } = shapes;
    if (fresh === undefined) return;
    shapes.fresh = undefined;
    if (batch.closed) return;
    batch.slots.push(headOf(fresh.shape, Kind.shape), fresh.skeleton);
    batch.schedule(false);
  }

  /**
   * Appends a value, captured now: changes by its owner before the turn ends must not be sent.
   *
   * @param leaves whether the value leaves with the next message, rather than waits for credit.
   * @returns its {@link Form}.
   */
  #write(
    out: unknown[],
    value: unknown,
    move: boolean,
    streams: StreamDoor | undefined,
    leaves: boolean,
  ): number {
    if (value instanceof SharedValue) return this.#write(out, value.value, false, streams, leaves);
    if (!this.bounds.wide) checkBounds(value, this.bounds, true);
    if (typeof value !== 'object' || value === null) {
      out.push(isSimple(value) ? value : encode(value, undefined, this.bounds).value);
      return Form.plain;
    }
    if (this.#parts.shapes.write(value, out)) return Form.packed;
    if (isSimple(value)) {
      out.push(copySimple(value));
      return Form.plain;
    }
    const marked = takeMark(value);
    const encoded = encode(value, streams, this.bounds, this.#parts.stacks);
    out.push(this.#taken(encoded, marked, move, leaves));
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
}
