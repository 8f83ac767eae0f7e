/**
 * Messages as bytes, for guests behind a pipe. It carries what structured clone carries of our values, and nothing else; what comes
 * back is made of plain reads with every length checked first, so that bytes from a hostile process can only be refused.
 */

/** Longest message, in bytes: a value of the largest size, whose letters may take half as much again, and what surrounds it. */
export const MAX_MESSAGE = 100 * 1_024 * 1_024;
/** Most values in one message: small ones take more room when they are read than they do as bytes. */
const MAX_NODES = 2_000_000;
/** What a map, set, pattern or buffer counts for: an empty one takes hundreds of bytes. */
const HEAVY = 8;
/** Deepest nesting: that of a value, and of the message around it. */
const MAX_DEPTH = 96;

const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  byte: 4,
  int: 5,
  float: 6,
  bigint: 7,
  /** Latin letters, one byte each. */
  latin: 8,
  utf8: 9,
  /** With halves of surrogate pairs, which UTF-8 doesn't know. */
  utf16: 10,
  array: 11,
  object: 12,
  date: 13,
  map: 14,
  set: 15,
  regexp: 16,
  buffer: 17,
  view: 18,
} as const;

/** Typed arrays by their number on the wire: never renumbered. */
const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;

const SHORT = 64;
const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();
const text8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Writes messages; one at a time. */
export class MessageWriter {
  #bytes = new Uint8Array(16_384);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #nodes = 0;
  #busy = false;

  /**
   * The bytes of a message, the first four its length.
   *
   * @throws TypeError for what no message holds; RangeError when it is too large.
   */
  write(message: unknown): Uint8Array<ArrayBuffer> {
    // A getter of a value that is being written may send something itself; that must not get in between.
    if (this.#busy) return new MessageWriter().write(message);
    this.#busy = true;
    try {
      this.#at = 4;
      this.#nodes = 0;
      this.#value(message, 0);
      this.#view.setUint32(0, this.#at - 4, true);
      return this.#bytes.slice(0, this.#at);
    } finally {
      this.#busy = false;
      // One large message must not be what is kept for ever.
      if (this.#bytes.length > 1_048_576) {
        this.#bytes = new Uint8Array(16_384);
        this.#view = new DataView(this.#bytes.buffer);
      }
    }
  }

  #room(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    if (needed > MAX_MESSAGE) throw new RangeError(`a message is larger than ${MAX_MESSAGE} bytes`);
    const larger = new Uint8Array(Math.min(MAX_MESSAGE, Math.max(needed, this.#bytes.length * 2)));
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

  /** The reader counts the same: what it would refuse isn't sent. */
  #count(more: number): void {
    this.#nodes += more;
    if (this.#nodes > MAX_NODES) throw new RangeError(`a message has more than ${MAX_NODES} values`);
  }

  #value(value: unknown, depth: number): void {
    this.#count(1);
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
    // Not by a pattern: to WebKitGTK's \p{Surrogate} the half in U+F800 U+DC00 is none.
    if (!text.isWellFormed()) {
      this.#length(Tag.utf16, text.length);
      this.#room(text.length * 2);
      for (let index = 0; index < text.length; index++, this.#at += 2) this.#view.setUint16(this.#at, text.charCodeAt(index), true);
      return;
    }
    // No character takes more than three bytes for each of its halves, and hardly ever that many.
    if (this.#at + 5 + text.length * 3 > MAX_MESSAGE) {
      const bytes = utf8.encode(text);
      this.#length(Tag.utf8, bytes.length);
      return this.#raw(bytes);
    }
    this.#room(5 + text.length * 3);
    const { written } = utf8.encodeInto(text, this.#bytes.subarray(this.#at + 5));
    this.#length(Tag.utf8, written);
    this.#at += written;
  }

  /** Short texts letter by letter: for them a call of the encoder costs more. */
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
    if (depth >= MAX_DEPTH) throw new RangeError(`a message is nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) {
      const { length } = value;
      // A proxy may say anything.
      if (length !== length >>> 0) throw new TypeError('a message cannot hold an array of no length');
      this.#length(Tag.array, length);
      for (let index = 0; index < length; index++) this.#value(value[index], depth + 1);
    } else if (ArrayBuffer.isView(value)) {
      const kind = VIEWS.findIndex((View) => value instanceof View);
      if (kind === -1) throw new TypeError('a message cannot hold this kind of typed array');
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      this.#count(HEAVY - 1);
      this.#length(Tag.view, bytes.length);
      this.#tag(kind);
      this.#raw(bytes);
    } else if (value instanceof ArrayBuffer) {
      const bytes = new Uint8Array(value);
      this.#count(HEAVY - 1);
      this.#length(Tag.buffer, bytes.length);
      this.#raw(bytes);
    } else if (value instanceof Date) {
      this.#tag(Tag.date);
      this.#number(value.getTime());
    } else if (value instanceof Map) {
      // Getters in it may add to it.
      const entries = [...value];
      this.#count(HEAVY - 1);
      this.#length(Tag.map, entries.length);
      for (const [key, item] of entries) {
        this.#value(key, depth + 1);
        this.#value(item, depth + 1);
      }
    } else if (value instanceof Set) {
      const items = [...value];
      this.#count(HEAVY - 1);
      this.#length(Tag.set, items.length);
      for (const item of items) this.#value(item, depth + 1);
    } else if (value instanceof RegExp) {
      this.#count(HEAVY - 1);
      this.#tag(Tag.regexp);
      this.#text(value.source);
      this.#text(value.flags);
    } else {
      const keys = Object.keys(value);
      this.#length(Tag.object, keys.length);
      for (const key of keys) {
        if (key === '__proto__') throw new TypeError("a message cannot hold an object with the key '__proto__'");
        this.#text(key);
        this.#value((value as Record<string, unknown>)[key], depth + 1);
      }
    }
  }
}

/**
 * Reads a message, without its length.
 *
 * @throws RangeError or TypeError for bytes that are none; nothing of them is kept.
 */
export function readMessage(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const message = reader.value(0);
  if (!reader.done) throw new RangeError('a message has bytes left over');
  return message;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #nodes = 0;

  constructor(bytes: Uint8Array) {
    // A Buffer of Node is one too, but its slices are no copies.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Moves on by some bytes that must be there; answers where they begin. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw new RangeError('a message ends early');
    this.#at = start + count;
    return start;
  }

  #length(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** How many follow; each takes a byte at least. */
  #count(each: number): number {
    const count = this.#length();
    if (count * each > this.#bytes.length - this.#at) throw new RangeError('a message ends early');
    return count;
  }

  #weigh(more: number): void {
    this.#nodes += more;
    if (this.#nodes > MAX_NODES) throw new RangeError(`a message has more than ${MAX_NODES} values`);
  }

  value(depth: number): unknown {
    this.#weigh(1);
    if (depth > MAX_DEPTH) throw new RangeError(`a message is nested deeper than ${MAX_DEPTH} levels`);
    const tag = this.#bytes[this.#take(1)];
    switch (tag) {
      case Tag.undefined:
        return undefined;
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.byte:
        return this.#bytes[this.#take(1)];
      case Tag.int:
        return this.#view.getInt32(this.#take(4), true);
      case Tag.float:
        return this.#view.getFloat64(this.#take(8), true);
      case Tag.bigint:
        return this.#bigint();
      case Tag.array: {
        const count = this.#count(1);
        const array: unknown[] = [];
        for (let index = 0; index < count; index++) array.push(this.value(depth + 1));
        return array;
      }
      case Tag.object:
        return this.#object(depth);
      case Tag.date: {
        const time = this.value(depth + 1);
        if (typeof time !== 'number') throw new TypeError('a date in a message is no number');
        return new Date(time);
      }
      case Tag.map: {
        this.#weigh(HEAVY - 1);
        const map = new Map();
        for (let left = this.#count(2); left > 0; left--) map.set(this.value(depth + 1), this.value(depth + 1));
        return map;
      }
      case Tag.set: {
        this.#weigh(HEAVY - 1);
        const set = new Set();
        for (let left = this.#count(1); left > 0; left--) set.add(this.value(depth + 1));
        return set;
      }
      case Tag.regexp:
        return this.#regexp();
      case Tag.buffer:
        return this.#buffer(this.#length());
      case Tag.view: {
        const length = this.#length();
        const View = VIEWS[this.#bytes[this.#take(1)] as number] as (new (buffer: ArrayBuffer) => object) | undefined;
        if (View === undefined) throw new TypeError('a message has a typed array of no known kind');
        return new View(this.#buffer(length));
      }
      default:
        this.#at -= 1;
        return this.#text();
    }
  }

  #buffer(length: number): ArrayBuffer {
    this.#weigh(HEAVY - 1);
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length).buffer as ArrayBuffer;
  }

  #regexp(): RegExp {
    this.#weigh(HEAVY - 1);
    const [source, flags] = [this.#text(), this.#text()];
    try {
      return new RegExp(source, flags);
    } catch (cause) {
      throw new TypeError('a message has a regular expression that is none', { cause });
    }
  }

  #bigint(): bigint {
    const text = this.#text();
    const digits = text.startsWith('-') ? text.slice(1) : text;
    if (digits === '' || /[^0-9a-f]/.test(digits)) throw new TypeError('a message has a bigint that is none');
    // Hexadecimal digits take time that grows with their number, decimal ones with its square.
    const value = BigInt(`0x${digits}`);
    return digits === text ? value : -value;
  }

  #text(): string {
    switch (this.#bytes[this.#take(1)]) {
      case Tag.latin: {
        const length = this.#bytes[this.#take(1)] as number;
        const start = this.#take(length);
        let text = '';
        for (let at = start; at < start + length; at++) text += String.fromCharCode(this.#bytes[at] as number);
        return text;
      }
      case Tag.utf8: {
        const length = this.#length();
        const start = this.#take(length);
        return text8.decode(this.#bytes.subarray(start, start + length));
      }
      case Tag.utf16: {
        const length = this.#length();
        const start = this.#take(length * 2);
        const parts: string[] = [];
        for (let at = start; at < start + length * 2; at += 8_192) {
          const codes: number[] = [];
          for (let one = at; one < Math.min(at + 8_192, start + length * 2); one += 2) codes.push(this.#view.getUint16(one, true));
          parts.push(String.fromCharCode(...codes));
        }
        return parts.join('');
      }
      default:
        throw new TypeError('a message has a value of no known kind');
    }
  }

  #object(depth: number): object {
    const object: Record<string, unknown> = {};
    for (let left = this.#count(2); left > 0; left--) {
      const key = this.#text();
      // Assigning it would change what the object is.
      if (key === '__proto__') throw new TypeError("a message has an object with the key '__proto__'");
      object[key] = this.value(depth + 1);
    }
    return object;
  }
}

/** Puts messages together from the pieces in which they arrive. */
export class MessageReader {
  readonly #onMessage: (message: unknown) => void;
  /** Holds what has come and wasn't read, from `#start` to `#end`: a piece, or a copy of several that has room for more. */
  #held: Uint8Array = NOTHING;
  #copied = false;
  #start = 0;
  #end = 0;
  /** Bytes of the message that is arriving, with its length; unknown while that is not there. */
  #wanted: number | undefined;
  #refused = false;

  constructor(onMessage: (message: unknown) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws RangeError or TypeError when what arrives is no message, and for everything that arrives after it. */
  take(piece: Uint8Array): void {
    if (this.#refused) throw new RangeError('what follows on something that is no message is none either');
    if (piece.length === 0) return;
    this.#add(piece);
    while (this.#end - this.#start >= (this.#wanted ?? 4)) {
      if (this.#wanted === undefined) this.#wanted = 4 + this.#length();
      else this.#onMessage(this.#read(this.#wanted));
    }
  }

  #length(): number {
    const length = new DataView(this.#held.buffer, this.#held.byteOffset + this.#start, 4).getUint32(0, true);
    if (length <= MAX_MESSAGE) return length;
    this.#refuse();
    throw new RangeError(`a message of ${length} bytes is larger than ${MAX_MESSAGE}`);
  }

  /** Reads the message that is there; all is in order again before anybody hears of it. */
  #read(size: number): unknown {
    const bytes = this.#held.subarray(this.#start + 4, this.#start + size);
    this.#start += size;
    this.#wanted = undefined;
    if (this.#start === this.#end) this.#drop();
    try {
      return readMessage(bytes);
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

  /** Room grows with what has come, not with what its length promises; many tiny pieces take no more than a large one. */
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
      const larger = new Uint8Array(Math.max(size + piece.length, Math.min(size * 2, this.#wanted ?? 4)));
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
