/**
 * Messages as bytes, for guests behind a pipe. It carries what structured clone carries of our
 * values, and nothing else. Reading consists of plain reads with every length checked first, so
 * that bytes from a hostile process can only be refused.
 */
import {
  boundsOf,
  HEAVY_BYTES,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  OBJECT_BYTES,
  PART_BYTES,
} from './bounds.js';
import { type MessageBounds, messageBounds, SHORT, Tag, utf8 } from './codec-tags.js';
import { VIEWS } from './views.js';

/**
 * Writes messages, one at a time. What may cross was decided before: these bounds are those of the
 * format.
 */
export class MessageWriter {
  readonly #bounds: MessageBounds;
  #bytes = new Uint8Array(16_384);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #weight = 0;
  #busy = false;

  constructor(bounds = boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH)) {
    this.#bounds = messageBounds(bounds);
  }

  /**
   * The bytes of a message; the first four are its length.
   *
   * @throws TypeError for a value that no message can hold; RangeError when it is too large.
   */
  write(message: unknown): Uint8Array<ArrayBuffer> {
    // A getter of a value that is being written may send a message itself, so that one gets its own
    // writer.
    if (this.#busy) return new MessageWriter().write(message);
    this.#busy = true;
    try {
      this.#at = 4;
      this.#weight = 0;
      this.#value(message, 0);
      this.#view.setUint32(0, this.#at - 4, true);
      return this.#bytes.slice(0, this.#at);
    } finally {
      this.#busy = false;
      // The buffer of one large message must not be kept for ever.
      if (this.#bytes.length > 1_048_576) {
        this.#bytes = new Uint8Array(16_384);
        this.#view = new DataView(this.#bytes.buffer);
      }
    }
  }

  #room(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const { bytes } = this.#bounds;
    if (needed > bytes) throw new RangeError(`a message is larger than ${bytes} bytes`);
    const larger = new Uint8Array(Math.min(bytes, Math.max(needed, this.#bytes.length * 2)));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  #tag(tag: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = tag;
  }

  #length(tag: number, length: number): void {
    this.#room(5);
    this.#bytes[this.#at] = tag;
    this.#view.setUint32(this.#at + 1, length, true);
    this.#at += 5;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Counts like the reader, so that nothing is sent that it would refuse. */
  #weigh(more: number): void {
    this.#weight += more;
    if (this.#weight > this.#bounds.weight)
      throw new RangeError(`a message has more values than ${this.#bounds.weight} bytes hold`);
  }

  #value(value: unknown, depth: number): void {
    this.#weigh(PART_BYTES);
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        return this.#tag(value ? Tag.true : Tag.false);
      case 'undefined':
        return this.#tag(Tag.undefined);
      case 'bigint':
        this.#tag(Tag.bigint);
        return this.#text(value.toString(16));
      case 'object':
        return value === null ? this.#tag(Tag.null) : this.#object(value, depth);
      default:
        throw new TypeError(`a message cannot hold a ${typeof value}`);
    }
  }

  #number(value: number): void {
    if (Number.isInteger(value) && !Object.is(value, -0)) {
      if (value >= 0 && value < 256) {
        this.#room(2);
        this.#bytes[this.#at++] = Tag.byte;
        this.#bytes[this.#at++] = value;
        return;
      }
      if (value >= -2_147_483_648 && value <= 2_147_483_647) {
        this.#room(5);
        this.#bytes[this.#at] = Tag.int;
        this.#view.setInt32(this.#at + 1, value, true);
        this.#at += 5;
        return;
      }
    }
    this.#room(9);
    this.#bytes[this.#at] = Tag.float;
    this.#view.setFloat64(this.#at + 1, value, true);
    this.#at += 9;
  }

  #text(text: string): void {
    if (text.length <= SHORT && this.#latin(text)) return;
    // Not by a pattern: WebKitGTK's \p{Surrogate} doesn't match the surrogate in U+F800 U+DC00.
    if (!text.isWellFormed()) {
      this.#length(Tag.utf16, text.length);
      this.#room(text.length * 2);
      for (let index = 0; index < text.length; index++, this.#at += 2)
        this.#view.setUint16(this.#at, text.charCodeAt(index), true);
      return;
    }
    // A UTF-16 unit takes at most three bytes, and rarely that many.
    if (this.#at + 5 + text.length * 3 > this.#bounds.bytes) {
      const bytes = utf8.encode(text);
      this.#length(Tag.utf8, bytes.length);
      return this.#raw(bytes);
    }
    this.#room(5 + text.length * 3);
    const { written } = utf8.encodeInto(text, this.#bytes.subarray(this.#at + 5));
    this.#length(Tag.utf8, written);
    this.#at += written;
  }

  /** Writes short texts character by character, because a call of the encoder costs more. */
  #latin(text: string): boolean {
    const { length } = text;
    this.#room(2 + length);
    const start = this.#at + 2;
    for (let index = 0; index < length; index++) {
      const letter = text.charCodeAt(index);
      if (letter > 127) return false;
      this.#bytes[start + index] = letter;
    }
    this.#bytes[this.#at] = Tag.latin;
    this.#bytes[this.#at + 1] = length;
    this.#at = start + length;
    return true;
  }

  #object(value: object, depth: number): void {
    if (depth >= this.#bounds.depth)
      throw new RangeError(`a message is nested deeper than ${this.#bounds.depth} levels`);
    this.#weigh(OBJECT_BYTES);
    if (Array.isArray(value)) {
      const { length } = value;
      // A proxy may return anything.
      if (length !== length >>> 0)
        throw new TypeError('a message cannot hold an array of no length');
      this.#length(Tag.array, length);
      for (let index = 0; index < length; index++) this.#value(value[index], depth + 1);
    } else if (ArrayBuffer.isView(value)) {
      const kind = VIEWS.findIndex((View) => value instanceof View);
      if (kind === -1) throw new TypeError('a message cannot hold this kind of typed array');
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      this.#weigh(HEAVY_BYTES - OBJECT_BYTES);
      this.#length(Tag.view, bytes.length);
      this.#tag(kind);
      this.#raw(bytes);
    } else if (value instanceof ArrayBuffer) {
      const bytes = new Uint8Array(value);
      this.#weigh(HEAVY_BYTES - OBJECT_BYTES);
      this.#length(Tag.buffer, bytes.length);
      this.#raw(bytes);
    } else if (value instanceof Date) {
      this.#tag(Tag.date);
      this.#number(value.getTime());
    } else if (value instanceof Map) {
      // Getters in it may add entries.
      const entries = [...value];
      this.#weigh(HEAVY_BYTES - OBJECT_BYTES);
      this.#length(Tag.map, entries.length);
      for (const [key, item] of entries) {
        this.#value(key, depth + 1);
        this.#value(item, depth + 1);
      }
    } else if (value instanceof Set) {
      const items = [...value];
      this.#weigh(HEAVY_BYTES - OBJECT_BYTES);
      this.#length(Tag.set, items.length);
      for (const item of items) this.#value(item, depth + 1);
    } else if (value instanceof RegExp) {
      this.#weigh(HEAVY_BYTES - OBJECT_BYTES);
      this.#tag(Tag.regexp);
      this.#text(value.source);
      this.#text(value.flags);
    } else {
      const keys = Object.keys(value);
      this.#length(Tag.object, keys.length);
      for (const key of keys) {
        if (key === '__proto__')
          throw new TypeError("a message cannot hold an object with the key '__proto__'");
        this.#text(key);
        this.#value((value as Record<string, unknown>)[key], depth + 1);
      }
    }
  }
}
