/**
 * Messages as bytes: the result equals that of structured clone, and bytes of a hostile process can
 * only be refused.
 */
import { MessageReader, MessageWriter, readMessage } from '@plinth/sdk/codec';
import { boundsOf, DEFAULT_BOUNDS } from '@plinth/sdk/rpc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const seed = 20_261_121;
const writer = new MessageWriter(DEFAULT_BOUNDS);
const body = (message: unknown) => writer.write(message).subarray(4);
const trip = (message: unknown) => readMessage(body(message));

/** Tags and limits of the wire, which must not change. */
const Tag = {
  byte: 4,
  bigint: 7,
  latin: 8,
  utf8: 9,
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
/** For the default bounds: 64 MiB and 100 levels for a value, and what surrounds it. */
const MAX_MESSAGE = 104_857_600;

const MAX_DEPTH = 132;

const Views = [
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
  ...('Float16Array' in globalThis ? [Float16Array] : []),
] as const;

/** A view of some bytes, possibly part of a larger buffer. */
const view = fc
  .record({
    kind: fc.constantFrom(...Views),
    items: fc.nat(9),
    offset: fc.nat(3),
    after: fc.nat(5),
    bytes: fc.uint8Array({ minLength: 120, maxLength: 120 }),
  })
  .map(({ kind: View, items, offset, after, bytes }) => {
    const size = 'BYTES_PER_ELEMENT' in View ? View.BYTES_PER_ELEMENT : 1;
    const buffer = bytes.slice(0, (offset + items) * size + after).buffer;
    return new (View as Uint8ArrayConstructor)(buffer, offset * size, items);
  });

/**
 * Critical characters in a text: unpaired surrogates, byte order marks, ends of strings, lengths
 * around those of the short form.
 */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
    .map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom(
    '',
    '\uFEFF',
    '\uFEFFa',
    '\0',
    'a\0b',
    '\uD800',
    '\uDC00',
    'a\uD83D',
    '\uDE00\uD83D',
    '😀',
    '\uFFFD',
    'a'.repeat(64),
    'a'.repeat(65),
    'é'.repeat(64),
    '\x7F',
    '\x80',
    '\xFF',
  ),
);
const key = fc
  .oneof(
    text,
    fc.nat(20).map(String),
    fc.constantFrom(
      'constructor',
      'toString',
      'hasOwnProperty',
      'length',
      '-1',
      '4294967295',
      '01',
    ),
  )
  .filter((one) => one !== '__proto__');

const leaf = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    255,
    256,
    -1,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 53,
    Number.NaN,
    Infinity,
    -Infinity,
    5e-324,
    Number.MAX_VALUE,
  ),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.constantFrom(0n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 4_000n, -(2n ** 4_001n)),
  text,
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(
    /a/,
    /(?:)/,
    /[/\]\n]+/gimsuy,
    /(?<n>\p{L})\k<n>/dv,
    /\n\/😀/,
    new Date(Number.NaN),
    new Date(8.64e15),
    new Date(-8.64e15),
  ),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.slice().buffer),
  view,
);

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    tie('array'),
    tie('object'),
    tie('bare'),
    tie('map'),
    tie('set'),
  ),
  array: fc.array(tie('any'), { maxLength: 6 }),
  object: fc.dictionary(key, tie('any'), { maxKeys: 6, noNullPrototype: true }),
  bare: fc
    .dictionary(key, tie('any'), { maxKeys: 6 })
    .map((object) => Object.assign(Object.create(null), object) as object),
  map: fc
    .array(fc.tuple(tie('any'), tie('any')), { maxLength: 4 })
    .map((entries) => new Map(entries)),
  set: fc.array(tie('any'), { maxLength: 4 }).map((items) => new Set(items)),
})).any;

/** All observable parts of a value, as text: stricter than `toEqual`. */
function print(one: unknown): string {
  if (typeof one === 'string')
    return [...Array(one.length).keys()].map((at) => one.charCodeAt(at).toString(16)).join(' ');
  if (typeof one !== 'object' || one === null)
    return Object.is(one, -0) ? '-0' : `${typeof one} ${String(one)}`;
  const kind = Object.prototype.toString.call(one);
  const prototype = Object.getPrototypeOf(one) as { constructor: { name: string } };
  const head = `${kind} ${prototype.constructor.name}`;
  if (Array.isArray(one)) return `${head} [${one.map(print).join()}]`;
  if (one instanceof Map)
    return `${head} [${[...one].map((entry) => entry.map(print).join(' => ')).join()}]`;
  if (one instanceof Set) return `${head} [${[...one].map(print).join()}]`;
  if (one instanceof Date) return `${head} ${one.getTime()}`;
  if (one instanceof RegExp) return `${head} ${print(one.source)} ${one.flags} ${one.lastIndex}`;
  if (one instanceof ArrayBuffer) return `${head} ${new Uint8Array(one).join()}`;
  if (ArrayBuffer.isView(one))
    return `${head} ${new Uint8Array(one.buffer, one.byteOffset, one.byteLength).join()}`;
  return `${head} {${Object.entries(one)
    .map(([name, item]) => `${print(name)}: ${print(item)}`)
    .join()}}`;
}

describe('a message', () => {
  it('equals the result of structured clone', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(print(trip(one))).toBe(print(structuredClone(one)));
      }),
      { seed, numRuns: 3_000 },
    );
  });

  it.each([
    ['objects of every prototype', Object.create(null)],
    ['an object inside of itself as a map key', new Map([[{ a: 1 }, { b: new Set([new Map()]) }]])],
    ['a pattern in use', Object.assign(/a/g, { lastIndex: 3 })],
    [
      'empty things',
      [
        [],
        {},
        new Map(),
        new Set(),
        '',
        new ArrayBuffer(0),
        new Uint8Array(0),
        new DataView(new ArrayBuffer(0)),
      ],
    ],
    [
      'an object of a class',
      new (class Point {
        x = 1;
      })(),
    ],
    ['integer-like keys', { 2: 'b', 1: 'a', b: 1, 0: 'c', '-1': 2, 4294967294: 3 }],
    [
      'keys of every prototype',
      { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: 4, __defineGetter__: 5 },
    ],
    [
      'long texts',
      [
        'a'.repeat(100_000),
        'é'.repeat(100_000),
        '語'.repeat(100_000),
        '😀'.repeat(50_000),
        '\uD800'.repeat(100_000),
      ],
    ],
    ['a large bigint', [16n ** 200_000n, -(16n ** 200_000n) + 1n]],
  ])('holds %s', (_, one) => {
    expect(print(trip(one))).toBe(print(structuredClone(one)));
  });

  it('has a text with every code unit, alone and after a letter', () => {
    for (let code = 0; code <= 0xffff; code++) {
      const text = String.fromCharCode(code);
      if (trip(text) !== text || trip(`aaa${text}b`) !== `aaa${text}b`)
        throw new Error(`lost ${code.toString(16)}`);
    }
  });

  it('keeps holes as undefined, and reads each getter once', () => {
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested.
    expect(trip([1, , 2])).toEqual([1, undefined, 2]);
    let reads = 0;
    const read = trip({
      get a() {
        reads += 1;
        return reads;
      },
    });
    expect([read, reads]).toEqual([{ a: 1 }, 1]);
  });

  it('copies: neither the value nor the bytes are retained', () => {
    const bytes = body({ a: new Uint8Array([1, 2]), b: new Uint8Array([3]).buffer });
    const read = readMessage(bytes) as { a: Uint8Array; b: ArrayBuffer };
    bytes.fill(0);
    expect([...read.a, ...new Uint8Array(read.b)]).toEqual([1, 2, 3]);
    expect([read.a.buffer.byteLength, read.b.byteLength]).toEqual([2, 1]);
  });

  // A Buffer of Node is such a class: its slices share memory.
  it('may be an instance of a class whose slices share memory', () => {
    class Chunk extends Uint8Array<ArrayBuffer> {
      override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
        return this.subarray(start, end);
      }
    }
    const bytes = new Chunk(
      body([new Uint8Array([1, 2]), new Float64Array([0.5]), new ArrayBuffer(3)]).slice().buffer,
    );
    const expected = [new Uint8Array([1, 2]), new Float64Array([0.5]), new ArrayBuffer(3)];
    expect(print(readMessage(bytes))).toBe(print(expected));
    const whole = new Chunk(writer.write(expected).slice().buffer);
    const heard: string[] = [];
    const reader = new MessageReader((message) => heard.push(print(message)));
    reader.take(whole);
    reader.take(whole);
    expect(heard).toEqual([print(expected), print(expected)]);
  });

  it.each([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a function inside', { a: [() => {}] }],
    ['the key __proto__', JSON.parse('{"__proto__":1}')],
    ['a buffer that was moved', moved()],
    ['a view of a buffer that was moved', movedView()],
    [
      'an array whose length is a lie',
      new Proxy([], { get: (_, name) => (name === 'length' ? -1 : 0) }),
    ],
  ])('cannot hold %s: TypeError, and the writer still works', (_, one) => {
    expect(() => writer.write(one)).toThrow(TypeError);
    expect(trip([1])).toEqual([1]);
  });
});

function moved(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function movedView(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

/** An object that runs something while it is written. */
function meanwhile(what: () => unknown): object {
  const ownKeys = () => {
    what();
    return [];
  };
  return new Proxy({}, { ownKeys });
}

describe('a value that acts while it is written', () => {
  it('may write another message meanwhile, even of the same value', () => {
    const inner: unknown[] = [];
    const outer = {
      before: 'x'.repeat(100),
      get reenters() {
        inner.push(trip({ big: 'y'.repeat(50_000) }));
        return inner.length < 4 ? trip(outer) : 'deep';
      },
      after: [1, 2, 3],
    };
    const read = trip(outer) as typeof outer;
    expect(read.before).toBe(outer.before);
    expect(read.after).toEqual([1, 2, 3]);
    expect(inner).toEqual(Array(4).fill({ big: 'y'.repeat(50_000) }));
  });

  it('has its error thrown, and leaves nothing behind', () => {
    const error = new Error('mine');
    const one = {
      a: 1,
      get b() {
        throw error;
      },
    };
    expect(() => writer.write(one)).toThrow(error);
    expect(trip({ c: 1 })).toEqual({ c: 1 });
  });

  it.each<[string, () => unknown]>([
    [
      'adds to a map',
      () => {
        const map: Map<unknown, unknown> = new Map([[0, meanwhile(() => map.set(map.size, 1))]]);
        return map;
      },
    ],
    [
      'empties a map',
      () => {
        const map: Map<unknown, unknown> = new Map<unknown, unknown>([
          [0, meanwhile(() => map.clear())],
          [1, 1],
        ]);
        return map;
      },
    ],
    [
      'adds to a set',
      () => {
        const set: Set<unknown> = new Set<unknown>([meanwhile(() => set.add(set.size))]);
        return set;
      },
    ],
    ['says another size', () => Object.defineProperty(new Map([[1, 2]]), 'size', { value: 7 })],
    [
      'says another byteLength each time',
      () =>
        Object.defineProperty(new Uint8Array(8), 'byteLength', {
          get: (
            (lengths) => () =>
              lengths.pop()
          )([1, 2, 3, 4]),
        }),
    ],
    [
      'empties an array',
      () => {
        const array: unknown[] = [meanwhile(() => array.splice(0)), 1, 2];
        return array;
      },
    ],
    [
      'has keys that are not there',
      () =>
        new Proxy(
          {},
          {
            ownKeys: () => ['a', 'b'],
            getOwnPropertyDescriptor: (_, name) => ({
              configurable: true,
              enumerable: name === 'a',
            }),
          },
        ),
    ],
  ])('that %s is still a message', (_, make) => {
    expect(() => trip(make())).not.toThrow();
  });
});

describe('limits', () => {
  it('equal those of the values it carries', () => {
    const text = 'x'.repeat(6_000_000);
    const small = boundsOf(1_024, 4);
    expect(() => new MessageWriter(small).write(text)).toThrow(RangeError);
    const large = boundsOf(512 * 1_024 * 1_024, 200);
    const bytes = new MessageWriter(large).write([new Uint8Array(110_000_000)]).subarray(4);
    expect(() => readMessage(bytes)).not.toThrow();
    expect((readMessage(bytes, large) as [Uint8Array])[0].length).toBe(110_000_000);
    const told: unknown[] = [];
    const reader = new MessageReader((message) => told.push(message));
    const deep = new MessageWriter(large).write(nested(180));
    reader.bound(large);
    reader.take(deep);
    expect(told).toEqual([nested(180)]);
  });

  const nested = (depth: number) => {
    let one: unknown = 1;
    for (let level = 0; level < depth; level++) one = level % 2 === 0 ? [one] : { a: one };
    return one;
  };

  it('apply to depth on both sides', () => {
    expect(trip(nested(MAX_DEPTH))).toEqual(nested(MAX_DEPTH));
    expect(() => writer.write(nested(MAX_DEPTH + 1))).toThrow(RangeError);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => writer.write(cycle)).toThrow(RangeError);
    expect(() =>
      readMessage(new Uint8Array([...Array(100_000).fill([Tag.array, 1, 0, 0, 0]).flat(), 0])),
    ).toThrow(/deeper/);
    expect(() => readMessage(new Uint8Array(Array(100_000).fill(Tag.date)))).toThrow(/deeper/);
  });

  it('apply to the number of values on both sides', () => {
    const bounds = boundsOf(1_024, 100);
    const MAX_NODES = (1_024 + 16_777_216 - 56) / 8;
    const writer = new MessageWriter(bounds);
    const full = new Array(MAX_NODES - 1).fill(null);
    const bytes = writer.write(full).subarray(4);
    expect((readMessage(bytes, bounds) as unknown[]).length).toBe(MAX_NODES - 1);
    expect(() => writer.write([...full, null])).toThrow(RangeError);
    expect(() => writer.write(new Array(2 ** 32 - 1))).toThrow(RangeError);
    const more = new Uint8Array(5 + MAX_NODES).fill(1);
    more[0] = Tag.array;
    new DataView(more.buffer).setUint32(1, MAX_NODES, true);
    expect(() => readMessage(more, bounds)).toThrow(/more values than/);
  });

  it.each<[string, () => unknown, number[]]>([
    ['maps', () => new Map(), [Tag.map, 0, 0, 0, 0]],
    ['sets', () => new Set(), [Tag.set, 0, 0, 0, 0]],
    ['buffers', () => new ArrayBuffer(0), [Tag.buffer, 0, 0, 0, 0]],
    ['views', () => new Uint8Array(0), [Tag.view, 0, 0, 0, 0, 1]],
    ['patterns', () => /a/, [Tag.regexp, Tag.latin, 1, 97, Tag.latin, 0]],
  ])(
    'empty %s count for their memory: as many as a value may have, and not many times that',
    (_, make, bytes) => {
      expect((trip(Array.from({ length: 200_000 }, make)) as unknown[]).length).toBe(200_000);
      const many = new Uint8Array(5 + 500_000 * bytes.length);
      many[0] = Tag.array;
      new DataView(many.buffer).setUint32(1, 500_000, true);
      for (let at = 5; at < many.length; at += bytes.length) many.set(bytes, at);
      expect(() => readMessage(many)).toThrow(/more values than/);
      expect(() => writer.write(Array(500_000).fill(make()))).toThrow(/more values than/);
    },
  );

  it('the largest values still fit, and larger ones are refused before they are written', () => {
    // The largest text that the wire allows.
    const length = 32 * 1_024 * 1_024 - 8;
    for (const letter of ['a', '語', '\uD800']) {
      const bytes = writer.write(['frame', letter.repeat(length)]);
      expect(bytes.length).toBeLessThan(MAX_MESSAGE);
      expect((readMessage(bytes.subarray(4)) as string[])[1]?.length).toBe(length);
    }
    expect(() => writer.write([new Uint8Array(MAX_MESSAGE)])).toThrow(RangeError);
    expect(trip(1)).toBe(1);
  });
});

/** Runs something that may only refuse; any other error is a fault. */
function refuses(run: () => unknown, what: () => string): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return true;
    throw new Error(`${what()}: ${String(error)}`);
  }
}

describe('hostile bytes', () => {
  const u32 = (count: number) => [...new Uint8Array(new Uint32Array([count]).buffer)];
  const shown = (bytes: Uint8Array) => `[${bytes.join()}]`;

  it('that are random are refused or read, quickly', () => {
    const random = fc.uint8Array({ maxLength: 64 });
    // Tags are small numbers, so half of all bytes are small.
    const likely = fc
      .array(fc.oneof(fc.nat(19), fc.nat(255), fc.constant(0)), { maxLength: 64 })
      .map((bytes) => new Uint8Array(bytes));
    fc.assert(
      fc.property(fc.oneof(random, likely), (bytes) => {
        const copy = bytes.slice();
        refuses(
          () => print(readMessage(bytes)),
          () => shown(copy),
        );
        expect(bytes).toEqual(copy);
      }),
      { seed, numRuns: 15_000 },
    );
  });

  it('that are nearly a message are refused or read, quickly', () => {
    const mutation = fc.record({
      at: fc.nat(),
      to: fc.oneof(fc.nat(255), fc.nat(19)),
      how: fc.constantFrom('set', 'cut', 'insert', 'length', 'repeat'),
    });
    fc.assert(
      fc.property(value, fc.array(mutation, { minLength: 1, maxLength: 4 }), (one, mutations) => {
        let bytes = [...body(one)];
        for (const { at, to, how } of mutations) {
          const index = at % (bytes.length + 1);
          if (how === 'set') bytes[index] = to;
          else if (how === 'cut') bytes = bytes.slice(0, index);
          else if (how === 'insert') bytes.splice(index, 0, to);
          else if (how === 'length') bytes.splice(index, 4, ...u32(at * 2_654_435_761));
          else bytes.splice(index, 0, ...bytes.slice(index, index + to));
        }
        const mutant = new Uint8Array(bytes);
        refuses(
          () => print(readMessage(mutant)),
          () => shown(mutant),
        );
      }),
      { seed, numRuns: 10_000 },
    );
  });

  it('that are truncated, or have more than one end, are refused', () => {
    fc.assert(
      fc.property(value, (one) => {
        const bytes = body(one);
        for (let length = 0; length < bytes.length; length += 1 + (length >> 4))
          if (!refuses(() => readMessage(bytes.subarray(0, length)), String))
            throw new Error(`read ${length} bytes`);
        expect(() => readMessage(new Uint8Array([...bytes, 0]))).toThrow('left over');
      }),
      { seed, numRuns: 500 },
    );
  });

  it.each<[string, readonly number[]]>([
    ['no bytes', []],
    ['an unknown tag', [19]],
    ['another one', [255]],
    ['an array of four billion', [Tag.array, ...u32(2 ** 32 - 1), 0]],
    ['an object of two billion', [Tag.object, ...u32(2 ** 31), 8, 0, 0]],
    ['a map of two billion', [Tag.map, ...u32(2 ** 31), 0, 0]],
    ['a set of four billion', [Tag.set, ...u32(2 ** 32 - 1), 0]],
    ['a buffer of four gigabytes', [Tag.buffer, ...u32(2 ** 32 - 1), 0]],
    ['a view of four gigabytes', [Tag.view, ...u32(2 ** 32 - 8), 8, 0]],
    ['a text of four gigabytes', [Tag.utf8, ...u32(2 ** 32 - 1), 0]],
    ['a text of eight gigabytes', [Tag.utf16, ...u32(2 ** 32 - 1), 0, 0]],
    [
      'arrays that each say what is left',
      [Tag.array, ...u32(10), Tag.array, ...u32(5), Tag.array, ...u32(0)],
    ],
    ['half a code unit', [Tag.utf16, ...u32(1), 0]],
    ['a view of part of an element', [Tag.view, ...u32(7), 8, 1, 2, 3, 4, 5, 6, 7]],
    ['a view of an odd byte', [Tag.view, ...u32(3), 3, 1, 2, 3]],
    ['a view of no known kind', [Tag.view, ...u32(0), 13]],
    ['a view of the last kind', [Tag.view, ...u32(0), 255]],
    ['a view without its kind', [Tag.view, ...u32(0)]],
    ['half of a pair as UTF-8', [Tag.utf8, ...u32(3), 0xed, 0xa0, 0x80]],
    ['an overlong letter', [Tag.utf8, ...u32(2), 0xc0, 0x80]],
    ['a cut letter', [Tag.utf8, ...u32(1), 0xe2]],
    [
      '__proto__',
      [Tag.object, ...u32(1), Tag.latin, 9, ...new TextEncoder().encode('__proto__'), 1],
    ],
    [
      '__proto__ in UTF-8',
      [Tag.object, ...u32(1), Tag.utf8, ...u32(9), ...new TextEncoder().encode('__proto__'), 1],
    ],
    [
      '__proto__ in UTF-16',
      [
        Tag.object,
        ...u32(1),
        Tag.utf16,
        ...u32(9),
        ...[...'__proto__'].flatMap((letter) => [letter.charCodeAt(0), 0]),
        Tag.object,
        ...u32(0),
      ],
    ],
    ['a key that is no text', [Tag.object, ...u32(1), Tag.byte, 1, 1]],
    ['a date of text', [Tag.date, Tag.latin, 1, 49]],
    ['a date of undefined', [Tag.date, 0]],
    ['a bigint of no digits', [Tag.bigint, Tag.latin, 0]],
    ['a bigint of a sign', [Tag.bigint, Tag.latin, 1, 45]],
    ['a bigint of two signs', [Tag.bigint, Tag.latin, 3, 45, 45, 49]],
    ['a bigint of other digits', [Tag.bigint, Tag.latin, 2, 48, 120]],
    ['a bigint with a space', [Tag.bigint, Tag.latin, 2, 49, 32]],
    ['a bigint of a number', [Tag.bigint, Tag.byte, 1]],
    ['a pattern that is none', [Tag.regexp, Tag.latin, 1, 40, Tag.latin, 0]],
    ['flags that are none', [Tag.regexp, Tag.latin, 1, 97, Tag.latin, 2, 103, 103]],
    ['a pattern of a number', [Tag.regexp, Tag.byte, 1, Tag.latin, 0]],
  ])('%s: refused', (_, bytes) => {
    expect(refuses(() => readMessage(new Uint8Array(bytes)), String)).toBe(true);
  });

  it('with a pattern of any size or depth', () => {
    for (const source of [
      '('.repeat(100_000),
      `${'('.repeat(100_000)}${')'.repeat(100_000)}`,
      '(?:'.repeat(50_000),
      '['.repeat(100_000),
      'a{99999}'.repeat(20_000),
      '\\1'.repeat(100_000),
    ]) {
      const bytes = new Uint8Array([
        Tag.regexp,
        Tag.utf8,
        ...u32(source.length),
        ...new TextEncoder().encode(source),
        Tag.latin,
        0,
      ]);
      refuses(
        () => readMessage(bytes),
        () => source.slice(0, 10),
      );
    }
  });

  it('change none of the shared built-ins', () => {
    const before = print(Object.getOwnPropertyNames(Object.prototype));
    const read = trip({ constructor: { prototype: { polluted: 1 } } }) as object;
    expect([
      print(Object.getOwnPropertyNames(Object.prototype)),
      'polluted' in {},
      Object.getPrototypeOf(read) === Object.prototype,
    ]).toEqual([before, false, true]);
  });
});

/** Pieces of the given sizes, repeated. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = at + (sizes[index % sizes.length] as number);
    yield bytes.slice(at, end);
    at = end;
  }
}

function joined(messages: readonly unknown[]): Uint8Array {
  const parts = messages.map((message) => writer.write(message));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

describe('MessageReader', () => {
  it('assembles messages from pieces of every size', () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 5 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 500 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (messages, sizes) => {
          const heard: string[] = [];
          const reader = new MessageReader((message) => heard.push(print(message)));
          for (const piece of cut(joined(messages), sizes)) reader.take(piece);
          expect(heard).toEqual(messages.map((message) => print(structuredClone(message))));
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it.each([1, 2, 3, 4, 5, 7, 1_000_000])(
    'delivers each message when its last byte has arrived: pieces of %i',
    (size) => {
      const messages = [{ a: 1 }, null, 'x'.repeat(300), new Uint8Array(100), []];
      const ends = messages.map((_, index) => joined(messages.slice(0, index + 1)).length);
      let taken = 0;
      const heard: number[] = [];
      const reader = new MessageReader(() => heard.push(taken));
      const bytes = joined(messages);
      for (const piece of cut(bytes, [size])) {
        taken += piece.length;
        reader.take(piece);
        reader.take(new Uint8Array(0));
      }
      expect(heard).toEqual(
        ends.map((end) => Math.min(bytes.length, Math.ceil(end / size) * size)),
      );
    },
  );

  it('keeps the order when a listener takes more meanwhile, or throws', () => {
    const heard: unknown[] = [];
    const reader = new MessageReader((message) => {
      heard.push(message);
      if (message === 1) reader.take(joined([4]));
      if (message === 2) throw new Error('mine');
    });
    reader.take(joined([1]).subarray(0, 3));
    expect(() =>
      reader.take(new Uint8Array([...joined([1]).subarray(3), ...joined([2, 3])])),
    ).toThrow('mine');
    reader.take(joined([5]));
    expect(heard).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses a length above the largest before its bytes arrive, and everything after it', () => {
    const heard: unknown[] = [];
    const reader = new MessageReader((message) => heard.push(message));
    const head = new Uint8Array(new Uint32Array([MAX_MESSAGE + 1]).buffer);
    reader.take(head.subarray(0, 3));
    expect(() => reader.take(head.subarray(3))).toThrow(RangeError);
    expect(() => reader.take(joined([1]))).toThrow(RangeError);
    expect(heard).toEqual([]);
    const largest = new MessageReader(() => {});
    largest.take(new Uint8Array(new Uint32Array([MAX_MESSAGE]).buffer));
    largest.take(new Uint8Array(100));
  });

  it('delivers what precedes an invalid message, and nothing after it', () => {
    const heard: unknown[] = [];
    const reader = new MessageReader((message) => heard.push(message));
    expect(() =>
      reader.take(new Uint8Array([...joined([1]), 1, 0, 0, 0, 99, ...joined([2])])),
    ).toThrow(TypeError);
    expect(() => reader.take(joined([3]))).toThrow(RangeError);
    expect(() => new MessageReader(() => {}).take(new Uint8Array(4))).toThrow(RangeError);
    expect(heard).toEqual([1]);
  });

  it('copies each byte a few times at most, however small the pieces are', () => {
    const copied = (bytes: Uint8Array, piece: number) => {
      const before = Uint8Array.prototype.set;
      let count = 0;
      Uint8Array.prototype.set = function (this: Uint8Array, from: ArrayLike<number>, at?: number) {
        count += from.length;
        before.call(this, from, at);
      };
      try {
        const reader = new MessageReader(() => {});
        for (let at = 0; at < bytes.length; at += piece)
          reader.take(bytes.subarray(at, at + piece));
      } finally {
        Uint8Array.prototype.set = before;
      }
      return count / bytes.length;
    };
    const large = joined([new Uint8Array(8_000_000)]);
    expect(copied(large, 65_536)).toBeLessThan(4);
    expect(copied(large.subarray(0, 1_000_000), 1)).toBeLessThan(4);
    const small = joined(Array(20_000).fill('message'));
    expect(copied(small, small.length)).toBe(0);
    expect(copied(small, 1_000)).toBeLessThan(2);
    expect(copied(small, 3)).toBeLessThan(8);
  });
});
