/** Reads messages from bytes that arrive in pieces. */
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import { Reader } from './codec-reader.js';
import { type MessageBounds, messageBounds, NOTHING } from './codec-tags.js';

/**
 * Reads a message, without its length.
 *
 * @throws RangeError or TypeError for invalid bytes; nothing of them is kept.
 */
export function readMessage(bytes: Uint8Array, bounds = DEFAULT_BOUNDS): unknown {
  return readWithin(bytes, messageBounds(bounds));
}

function readWithin(bytes: Uint8Array, bounds: MessageBounds): unknown {
  const reader = new Reader(bytes, bounds);
  const message = reader.value(0);
  if (!reader.done) throw new RangeError('a message has bytes left over');
  return message;
}

/** Assembles messages from the pieces in which they arrive. */
export class MessageReader {
  readonly #onMessage: (message: unknown) => void;
  #bounds: MessageBounds;
  /** Unread bytes, from `#start` to `#end`: one piece, or a copy of several with spare room. */
  #held: Uint8Array = NOTHING;
  #copied = false;
  #start = 0;
  #end = 0;
  /**
   * Length of the arriving message, its length field included; undefined until that has arrived.
   */
  #wanted: number | undefined;
  #refused = false;

  constructor(onMessage: (message: unknown) => void, bounds = DEFAULT_BOUNDS) {
    this.#onMessage = onMessage;
    this.#bounds = messageBounds(bounds);
  }

  /** Applies from the next message on. */
  bound(bounds: ValueBounds): void {
    this.#bounds = messageBounds(bounds);
  }

  /**
   * @throws RangeError or TypeError when the bytes are no message, and for everything that arrives
   * afterwards.
   */
  take(piece: Uint8Array): void {
    if (this.#refused)
      throw new RangeError('what follows on something that is no message is none either');
    if (piece.length === 0) return;
    this.#add(piece);
    while (this.#end - this.#start >= (this.#wanted ?? 4)) {
      if (this.#wanted === undefined) this.#wanted = 4 + this.#length();
      else this.#onMessage(this.#read(this.#wanted));
    }
  }

  #length(): number {
    const length = new DataView(
      this.#held.buffer,
      this.#held.byteOffset + this.#start,
      4,
    ).getUint32(0, true);
    if (length <= this.#bounds.bytes) return length;
    this.#refuse();
    throw new RangeError(`a message of ${length} bytes is larger than ${this.#bounds.bytes}`);
  }

  /** Reads the complete message. The state is consistent again before the receiver is called. */
  #read(size: number): unknown {
    const bytes = this.#held.subarray(this.#start + 4, this.#start + size);
    this.#start += size;
    this.#wanted = undefined;
    if (this.#start === this.#end) this.#drop();
    try {
      return readWithin(bytes, this.#bounds);
    } catch (error) {
      this.#refuse();
      throw error;
    }
  }

  #refuse(): void {
    this.#refused = true;
    this.#drop();
  }

  #drop(): void {
    this.#held = NOTHING;
    this.#copied = false;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Room grows with the bytes that have arrived, not with the promised length. Many tiny pieces
   * take no more than a large one.
   */
  #add(piece: Uint8Array): void {
    const size = this.#end - this.#start;
    if (size === 0) {
      this.#held = piece;
      this.#copied = false;
      this.#start = 0;
      this.#end = piece.length;
      return;
    }
    if (!this.#copied || this.#end + piece.length > this.#held.length) {
      const larger = new Uint8Array(
        Math.max(size + piece.length, Math.min(size * 2, this.#wanted ?? 4)),
      );
      larger.set(this.#held.subarray(this.#start, this.#end));
      this.#held = larger;
      this.#copied = true;
      this.#start = 0;
      this.#end = size;
    }
    this.#held.set(piece, this.#end);
    this.#end += piece.length;
  }
}
