/**
 * Messages for the fuzz: valid frames of a live link, most of them changed in one place. Everything
 * is text that the guest evaluates, because much of it (cycles, ports, sparse arrays) can't be sent
 * to the guest as a value.
 */
import { Form, headOf, Kind } from '@plinth/sdk/rpc';
import { has } from '../matrix/gaps.ts';

export type KindName = keyof typeof Kind;
export const KINDS = Object.keys(Kind) as readonly KindName[];

/** What is wrong with a message. */
export const FAULTS = [
  'head',
  'number',
  'slot',
  'length',
  'value',
  'nested',
  'twice',
  'interleaved',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Numbers in use on the guest's link, as far as the host can know them. */
export interface Live {
  /** Sequences of the host's calls that the guest hasn't answered. */
  readonly pending: number;
  /** At least how many requests and notes the kernel has sent. */
  readonly sent: number;
  /** Streams that the guest feeds; the last is being read. */
  readonly fed: number;
  /** Streams that the guest reads. */
  readonly read: number;
  /** Names and shapes that have a number on the guest's link. */
  names: number;
  shapes: number;
  /** Forged requests; their sequences begin far from the link's own. */
  requests: number;
}

/** One message, and how it was made. */
export interface Forgery {
  readonly kind: KindName | 'none';
  /** Absent in a valid message. */
  readonly fault: Fault | undefined;
  /** A list of slots, as text. */
  readonly text: string;
}

/** Numbers from a seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A frame as texts: a head that is still a number, and its slots. */
interface Frame {
  readonly head: number;
  readonly slots: readonly string[];
  /** The slot with a value or a record, if any. */
  readonly value: number;
}

const STREAM = `'\\u0001plinth:stream'`;
const ERROR = `'\\u0001plinth:error'`;

/** Values that are small but unexpected. */
export const ODD: readonly string[] = [
  'undefined',
  'null',
  'true',
  'NaN',
  '-1',
  '-0',
  '1.5',
  'Infinity',
  '2 ** 53',
  '2 ** 31',
  '10n ** 30n',
  `''`,
  `'x'`,
  `'__proto__'`,
  `'constructor'`,
  '[]',
  '{}',
  '[[[]]]',
  '{ length: 1e9 }',
  '{ toString: 1, valueOf: 1 }',
  'new Date(NaN)',
  'new Map([[1, 2]])',
];

/**
 * Where the engine copies each hole, the sender would hang for minutes and nothing would be forged.
 */
const HOLES = (await has('sparse-clone')) ? 'new Array(2 ** 32 - 1)' : 'new Array(2 ** 20)';

/** Values that are harmful to walk, copy or print. */
export const HOSTILE: readonly string[] = [
  `'x'.repeat(300_000)`,
  `'\\ud800'.repeat(20_000)`,
  '(() => { let a = 1; for (let n = 0; n < 500; n++) a = [a]; return a; })()',
  '(() => { let a = 1; for (let n = 0; n < 500; n++) a = { a }; return a; })()',
  '(() => { let a = 1; for (let n = 0; n < 3_000; n++) a = [a]; return a; })()',
  HOLES,
  '(() => { const a = [1, , 3]; a[5_000] = 1; return a; })()',
  '(() => { const a = {}; a.a = a; return a; })()',
  '(() => { const a = []; a.push(a); return { a }; })()',
  '(() => { const a = new Map(); a.set(a, a); return a; })()',
  '(() => { const a = { n: 1 }; return [a, a]; })()',
  '(() => { let a = { n: 1 }; for (let n = 0; n < 30; n++) a = [a, a]; return a; })()',
  'Array.from({ length: 20_000 }, (_, n) => ({ n }))',
  `Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => ['k' + n, n]))`,
  'new Uint8Array(100_000)',
  'new Float64Array(new ArrayBuffer(64), 8, 2)',
  'new DataView(new ArrayBuffer(16), 4)',
  'new SharedArrayBuffer(8)',
  'move(new ArrayBuffer(64))',
  'new Uint8Array(move(new ArrayBuffer(64)), 8, 8)',
  'move(port())',
  '{ deep: [move(port())] }',
  '(() => { const b = new ArrayBuffer(8); structuredClone(b, { transfer: [b] }); return b; })()',
  `new TypeError('real', { cause: new Error('cause') })`,
  `new AggregateError([new Error('a')], 'many')`,
  'new Map([[{ a: 1 }, new Set([new Map()])]])',
  'new Set([new Set([1]), [1]])',
  '/(a+)+$/g',
  'new Date()',
  'Object(1n)',
  'Object(true)',
  `JSON.parse('{"__proto__":{"owned":true}}')`,
  `JSON.parse('{"a":{"__proto__":{"owned":true},"constructor":{"prototype":{"owned":true}}}}')`,
  `{ constructor: { prototype: { owned: true } }, toString: null, then: 1, toJSON: 1 }`,
  `{ then: { call: 1 }, catch: null }`,
  `{ [${STREAM}]: 1 }`,
  `{ [${STREAM}]: 77 }`,
  `[{ [${STREAM}]: 5 }, { [${STREAM}]: 5 }]`,
  `{ [${STREAM}]: { [${STREAM}]: 1 } }`,
  `{ [${ERROR}]: { class: 'PluginError', message: 'm', code: 'wire/refused', plugin: 'kernel', details: { [${ERROR}]: { class: 'Error', message: 'in' } } } }`,
  `{ [${ERROR}]: { class: '__proto__', message: 'm' } }`,
  `{ [${ERROR}]: 5 }`,
  `(() => { let e = { class: 'Error', message: 'leaf' }; for (let n = 0; n < 8; n++) e = { class: 'AggregateError', message: 'm', errors: Array(64).fill(e) }; return e; })()`,
  `{ class: 'AggregateError', message: 'm', errors: { length: 5, slice: 1 } }`,
  `{ class: 'PluginDeclaredError', message: 'm', code: { toString: 1 }, details: { data: new Map() } }`,
];

/** How often each is chosen. */
const KIND_WEIGHTS: Readonly<Record<KindName, number>> = {
  request: 24,
  reply: 10,
  error: 8,
  note: 10,
  cancel: 6,
  progress: 10,
  control: 10,
  controlReply: 6,
  credit: 1,
  shape: 1,
  name: 2,
  item: 6,
  end: 4,
  pull: 6,
  stop: 4,
  lane: 0.2,
};
const FAULT_WEIGHTS: Readonly<Record<Fault, number>> = {
  head: 1,
  number: 5,
  slot: 16,
  length: 1,
  value: 30,
  nested: 30,
  twice: 8,
  interleaved: 8,
};

const BROKEN: readonly Fault[] = ['head', 'length'];
/** Kinds without slots: an added slot is read as a frame without a head. */
const BARE: readonly Fault[] = [...BROKEN, 'slot', 'value', 'nested'];
/** Faults that nearly always end the guest, by kind. */
const FATAL: Readonly<Record<KindName, readonly Fault[]>> = {
  request: [...BROKEN, 'twice'],
  reply: [...BROKEN, 'number'],
  error: [...BROKEN, 'number'],
  note: BROKEN,
  cancel: BARE,
  progress: BROKEN,
  control: BROKEN,
  controlReply: BROKEN,
  credit: [...BARE, 'number'],
  shape: FAULTS,
  name: FAULTS,
  item: [...BROKEN, 'number'],
  end: BROKEN,
  pull: BROKEN,
  stop: BARE,
  lane: FAULTS,
};

/** Makes messages from a seed and counts them. */
export class Forge {
  readonly #random: () => number;
  /** Posted messages by kind and fault. */
  readonly reached = new Map<string, number>();
  /** Combinations of kind and fault that were not made yet. */
  readonly #missing: [KindName, Fault][];
  posted = 0;
  /** How many of the posted ones have a fault. */
  mutated = 0;
  /** Made, posted or not. */
  total = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#missing = this.#shuffled(
      KINDS.flatMap((kind) => FAULTS.map((fault): [KindName, Fault] => [kind, fault])),
    );
  }

  next(live: Live): Forgery {
    this.total += 1;
    return this.#next(live);
  }

  /** A message has been posted. */
  count({ kind, fault }: Forgery): void {
    this.posted += 1;
    if (fault !== undefined) this.mutated += 1;
    const what = `${kind} × ${fault ?? 'valid'}`;
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  /** A message could not be posted: even a raw port refuses some values. */
  again({ kind, fault }: Forgery): void {
    if (kind !== 'none' && fault !== undefined) this.#missing.push([kind, fault]);
  }

  #next(live: Live): Forgery {
    const lot = this.#random();
    if (lot < 0.15) {
      const kind = this.#weighted(KIND_WEIGHTS);
      return { kind, fault: undefined, text: textOf(this.#valid(kind, live)) };
    }
    if (lot < 0.18)
      return { kind: 'none', fault: undefined, text: this.#pick([...ODD, ...HOSTILE]) };
    // Every third message is a new combination, as long as there are some.
    const [kind, fault] =
      (this.#random() < 0.34 ? this.#missing.pop() : undefined) ?? this.#drawn();
    return { kind, fault, text: this.#spoil(kind, fault, live) };
  }

  /**
   * A kind and a fault. Combinations that can only end the guest are rare, because starting another
   * takes as long as fifty messages.
   */
  #drawn(): readonly [KindName, Fault] {
    for (;;) {
      const kind = this.#weighted(KIND_WEIGHTS);
      const fault = this.#weighted(FAULT_WEIGHTS);
      if (!FATAL[kind].includes(fault) || this.#random() < 0.1) return [kind, fault];
    }
  }

  // --- valid frames
  // --------------------------------------------------------------------------------------------------

  #valid(kind: KindName, live: Live): Frame {
    const sequence = () => 1 + Math.floor(this.#random() * live.pending);
    const frame = (
      number: number,
      slots: readonly string[] = [],
      value = slots.length - 1,
      form: keyof typeof Form = 'plain',
    ): Frame => ({
      head: headOf(number, Kind[kind], Form[form]),
      slots,
      value,
    });
    switch (kind) {
      case 'request':
        return this.#request(live, frame);
      case 'reply':
      case 'progress':
        return frame(sequence(), [this.#plain()]);
      case 'error':
        return frame(sequence(), [
          `{ class: 'PluginError', message: 'm', code: 'test.forger/no', details: { a: 1 }, cause: { class: 'TypeError', message: 'c' } }`,
        ]);
      case 'note':
        return frame(0, ['5', `[1, 'said']`, '{ a: 1 }']);
      case 'cancel':
        // One of the last: some of them run for a while.
        return frame(REQUESTS + Math.max(0, live.requests - Math.floor(this.#random() * 10)));
      case 'control': {
        const handle = 1_000_000 + Math.floor(this.#random() * 2 ** 40);
        const register = `{ type: 'RAW', value: { handle: ${handle}, kind: '${this.#pick(['command', 'event', 'hook'])}', name: 'test.forger:x${handle}' } }`;
        return frame(0, [
          `{ id: 'f${handle}', type: 'APPLY', path: ['register'], argumentList: [${register}] }`,
        ]);
      }
      case 'controlReply':
        return frame(0, [`{ id: 'f1', type: 'RAW', value: { ok: true, value: [] } }`]);
      case 'credit':
        return frame(live.sent);
      case 'shape':
        return frame(++live.shapes, [`['a', ['b', 'c', 'd'], 'e${live.shapes}']`]);
      case 'name':
        return frame(++live.names, [`'test.neighbour:echo'`]);
      case 'item':
        return frame(live.fed, [this.#plain()]);
      case 'end':
        return frame(live.fed, [
          this.#pick(['undefined', `{ class: 'RangeError', message: 'over' }`]),
        ]);
      case 'pull':
        return frame(live.read, ['8']);
      case 'stop':
        return frame(live.read);
      case 'lane':
        return frame(1, ['1', 'undefined']);
    }
  }

  /** A request for each operation that a guest may ask for. */
  #request(
    live: Live,
    frame: (
      number: number,
      slots: readonly string[],
      value?: number,
      form?: keyof typeof Form,
    ) => Frame,
  ): Frame {
    const number = REQUESTS + ++live.requests;
    const slots = this.#pick<() => readonly string[]>([
      () => ['1', `[0, 0, 'test.neighbour:echo']`, this.#plain()],
      () => ['1', `[500, 7, 'test.neighbour:hang']`, this.#plain()],
      () => ['1', `[0, 0, 'test.neighbour:wall']`, this.#plain()],
      () => [String(1 + 16 * Math.max(1, live.names)), 'undefined', this.#plain()],
      () => ['2', `[0, 'test.forger:said']`, this.#plain()],
      () => ['3', `['collect', 0, 0, 'test.neighbour:ask']`, this.#plain()],
      () => ['3', `['waterfall', 100, 0, 'test.neighbour:ask']`, this.#plain()],
      () => ['4', `['set', 'key${Math.floor(this.#random() * 9)}', undefined]`, this.#plain()],
      () => ['4', `['swap', 'key', '1']`, this.#plain()],
      () => [
        '4',
        `['${this.#pick(['get', 'read', 'has', 'keys', 'delete', 'clear'])}', 'key', undefined]`,
        'undefined',
      ],
      () => ['6', `[${1 + Math.floor(this.#random() * 3)}, 1]`, this.#plain()],
      () => ['7', 'undefined', 'undefined'],
      () => ['8', `['events.emit', 'test.forger:said']`, 'undefined'],
    ])();
    const lot = this.#random();
    if (lot < 0.15 && live.shapes > 0)
      return frame(
        number,
        [...slots.slice(0, 2), `${live.shapes}, 1, 'two', null, false`],
        2,
        'packed',
      );
    if (lot < 0.3)
      return frame(
        number,
        [...slots.slice(0, 2), `{ items: { [${STREAM}]: ${2_000 + live.requests} } }`],
        2,
        'marked',
      );
    return frame(number, slots);
  }

  #plain(): string {
    return this.#pick([
      '1',
      `'text'`,
      '[1, 2, 3]',
      `{ a: 1, b: { c: 'two', d: null }, e1: false }`,
      'new Uint8Array(8)',
      'new Map([[1, { a: 1 }]])',
      'undefined',
      `{ list: [{ n: 1 }, { n: 2 }] }`,
    ]);
  }

  // --- faults
  // --------------------------------------------------------------------------------------------------------

  #spoil(kind: KindName, fault: Fault, live: Live): string {
    const frame = this.#valid(kind, live);
    const { head, slots, value } = frame;
    switch (fault) {
      case 'head':
        return listOf([
          this.#pick([
            `'${head}'`,
            `${head} + 0.5`,
            `-${head} - 64`,
            'NaN',
            'undefined',
            '2 ** 60',
            `[${head}]`,
            `${head}n`,
            `${(head - (head % 64)) + (head % 16) + 16 * (1 + Math.floor(this.#random() * 3))}`,
            `${head - (head % 16) + Math.floor(this.#random() * 16)}`,
          ]),
          ...slots,
        ]);
      case 'number': {
        const number = Math.floor(head / 64);
        const other = this.#pick([
          0,
          1,
          number + 1,
          Math.max(0, number - 1),
          number + 1_000,
          2 ** 32,
          2 ** 46,
          Math.floor(this.#random() * 20),
        ]);
        return listOf([String(other * 64 + (head % 64)), ...slots]);
      }
      case 'slot':
        // Kinds without slots get an additional one.
        return listOf([
          String(head),
          ...this.#replaced(slots, Math.floor(this.#random() * slots.length), this.#pick(ODD)),
        ]);
      case 'length':
        return listOf([
          String(head),
          ...(slots.length > 0 && this.#random() < 0.6
            ? slots.slice(0, -1)
            : [...slots, this.#pick(ODD)]),
        ]);
      case 'value':
        return listOf([
          String(head),
          ...this.#replaced(
            slots,
            value,
            this.#random() < 0.2 ? this.#pick(ODD) : this.#pick(HOSTILE),
          ),
        ]);
      case 'nested':
        return listOf([
          String(head),
          ...this.#replaced(
            slots,
            value,
            `put(${slots[value] ?? '{}'}, ${Math.floor(this.#random() * 1_000)}, ${this.#pick([...HOSTILE, ...ODD])})`,
          ),
        ]);
      case 'twice':
        return listOf([textOf(frame).slice(1, -1), textOf(frame).slice(1, -1)]);
      case 'interleaved': {
        // The first slots of one frame, then a whole other frame.
        const other = this.#valid(
          this.#pick(['request', 'reply', 'note', 'cancel', 'progress']),
          live,
        );
        return this.#random() < 0.8
          ? listOf([textOf(other).slice(1, -1), textOf(frame).slice(1, -1)])
          : listOf([String(head), ...slots.slice(0, 1), textOf(other).slice(1, -1)]);
      }
    }
  }

  #replaced(slots: readonly string[], index: number, by: string): readonly string[] {
    return slots.length === 0 ? [by] : slots.map((slot, at) => (at === index ? by : slot));
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }

  #weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let lot = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      lot -= weight;
      if (lot < 0) return name;
    }
    return (entries[0] as [T, number])[0];
  }

  #shuffled<T>(items: T[]): T[] {
    return items
      .map((item) => [this.#random(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }
}

/** Where forged sequences begin: the guest's own link counts from 1. */
const REQUESTS = 50_000;

const listOf = (slots: readonly string[]): string => `[${slots.join(', ')}]`;
const textOf = ({ head, slots }: Frame): string => listOf([String(head), ...slots]);
