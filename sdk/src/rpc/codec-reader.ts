/** Reads values from bytes, within bounds. */
import { HEAVY_BYTES, OBJECT_BYTES, PART_BYTES } from './bounds.js';
import { type MessageBounds, Tag, text8 } from './codec-tags.js';
import { VIEWS } from './views.js';

/** Reads one value after another. What is over a bound is refused. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #bounds: MessageBounds;
  #at = 0;
  #weight = 0;

  constructor(bytes: Uint8Array, bounds: MessageBounds) {
    this.#bounds = bounds;
    // Node's Buffer is one too, but its slices share memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Skips bytes that must exist. Returns where they begin. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) throw new RangeError('a message ends early');
    this.#at = start + count;
    return start;
  }

  #length(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The number of items that follow; each takes at least `each` bytes. */
  #count(each: number): number {
    const count = this.#length();
    if (count * each > this.#bytes.length - this.#at) throw new RangeError('a message ends early');
    return count;
  }

  #weigh(more: number): void {
    this.#weight += more;
    if (this.#weight > this.#bounds.weight)
      throw new RangeError(`a message has more values than ${this.#bounds.weight} bytes hold`);
  }

  value(depth: number): unknown {
    this.#weigh(PART_BYTES);
    if (depth > this.#bounds.depth)
      throw new RangeError(`a message is nested deeper than ${this.#bounds.depth} levels`);
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
      case Tag.array:
        return this.#array(depth);
      case Tag.object:
        this.#weigh(OBJECT_BYTES);
        return this.#object(depth);
      case Tag.date: {
        this.#weigh(OBJECT_BYTES);
        const time = this.value(depth + 1);
        if (typeof time !== 'number') throw new TypeError('a date in a message is no number');
        return new Date(time);
      }
      case Tag.map:
        return this.#map(depth);
      case Tag.set: {
        this.#weigh(HEAVY_BYTES);
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
        const View = VIEWS[this.#bytes[this.#take(1)] as number];
        if (View === undefined) throw new TypeError('a message has a typed array of no known kind');
        return new View(this.#buffer(length));
      }
      default:
        this.#at -= 1;
        return this.#text();
    }
  }

  #array(depth: number): unknown[] {
    this.#weigh(OBJECT_BYTES);
    const count = this.#count(1);
    const array: unknown[] = [];
    for (let index = 0; index < count; index++) array.push(this.value(depth + 1));
    return array;
  }

  #map(depth: number): Map<unknown, unknown> {
    this.#weigh(HEAVY_BYTES);
    const map = new Map();
    for (let left = this.#count(2); left > 0; left--)
      map.set(this.value(depth + 1), this.value(depth + 1));
    return map;
  }

  #buffer(length: number): ArrayBuffer {
    this.#weigh(HEAVY_BYTES);
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length).buffer as ArrayBuffer;
  }

  #regexp(): RegExp {
    this.#weigh(HEAVY_BYTES);
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
    if (digits === '' || /[^0-9a-f]/.test(digits))
      throw new TypeError('a message has a bigint that is none');
    // Parsing hexadecimal digits takes linear time, decimal ones quadratic time.
    const value = BigInt(`0x${digits}`);
    return digits === text ? value : -value;
  }

  #text(): string {
    switch (this.#bytes[this.#take(1)]) {
      case Tag.latin: {
        const length = this.#bytes[this.#take(1)] as number;
        const start = this.#take(length);
        let text = '';
        for (let at = start; at < start + length; at++)
          text += String.fromCharCode(this.#bytes[at] as number);
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
          for (let one = at; one < Math.min(at + 8_192, start + length * 2); one += 2)
            codes.push(this.#view.getUint16(one, true));
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
      // Assigning it would change the object's prototype.
      if (key === '__proto__')
        throw new TypeError("a message has an object with the key '__proto__'");
      object[key] = this.value(depth + 1);
    }
    return object;
  }
}
