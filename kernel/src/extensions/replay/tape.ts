/**
 * Wraps the bundle of a plugin so that its clocks and randomness are the recorder's. The bundle runs
 * as a function whose parameters have the names of those globals, so that nothing of its realm
 * changes, and the guest's own runtime reads the real ones.
 */
import type { LoadSpec } from '@plinth/sdk/contract';

/** What a recorded guest has read, in order. */
export interface Tape {
  /** `Date.now()` and `new Date()`. */
  readonly date: readonly number[];
  /** `performance.now()`. */
  readonly time: readonly number[];
  /** `performance.timeOrigin`. */
  readonly origin: readonly number[];
  /** `Math.random()`. */
  readonly random: readonly number[];
  /** Bytes of `crypto.getRandomValues()`, one list for each reading. */
  readonly bytes: readonly (readonly number[])[];
  /** `crypto.randomUUID()`. */
  readonly uuid: readonly string[];
}

/** Kinds of readings, in the order of their numbers. */
const KINDS = ['date', 'time', 'origin', 'random', 'bytes', 'uuid'] as const;

/** Puts readings together that were told as `[number of the kind, reading, …]`. */
export function tapeOf(told: readonly unknown[]): Tape {
  const tape: Record<(typeof KINDS)[number], unknown[]> = {
    date: [],
    time: [],
    origin: [],
    random: [],
    bytes: [],
    uuid: [],
  };
  for (const readings of told) {
    if (!Array.isArray(readings)) continue;
    for (let at = 0; at + 1 < readings.length; at += 2)
      tape[KINDS[readings[at] as number] ?? 'date'].push(readings[at + 1]);
  }
  return tape as unknown as Tape;
}

/**
 * The bundle with its clocks and randomness. Undefined where there is no bundle, or where it can't
 * become a function: it is then loaded as it is, and fails as it would.
 *
 * @param given what it reads. Absent for a guest that is recorded: it tells what it reads.
 */
export async function tapedCode(
  { code }: LoadSpec,
  given: Tape | undefined,
): Promise<string | undefined> {
  if (code === '') return undefined;
  const { toFunctorInSlices } = await import('@plinth/sdk/pack');
  const pause = () => new Promise<void>((resolve) => void setTimeout(resolve, 0));
  let functor: string;
  try {
    functor = await toFunctorInSlices(code, 'a recorded plugin', pause);
  } catch {
    return undefined;
  }
  const names = 'Date, Math, performance, crypto, globalThis, self';
  return `const $tape = (${TAPE})(${given === undefined ? '' : JSON.stringify(given)});
const $exports = {};
await (function (${names}) { return (${functor}
); })(...$tape.names)($exports);
export default (tell) => { $tape.tape(tell); return $exports.default; };
`;
}

/**
 * Runs in the guest, as text: no tool may change what it refers to. Readings are told in batches.
 * Where more is read than was recorded, clocks go on by a millisecond, and randomness follows a
 * fixed sequence.
 */
const TAPE = `(given) => {
  'use strict';
  const real = globalThis;
  const { Date: RealDate, Math: realMath, performance: realTime, crypto: realCrypto } = real;
  const kinds = ['date', 'time', 'origin', 'random', 'bytes', 'uuid'];
  const at = [0, 0, 0, 0, 0, 0];
  const last = [0, 0, 0];
  let told = [];
  let tell;
  let lost = false;
  let seed = 0x9e3779b9;
  const flush = () => {
    if (tell === undefined || told.length === 0) return;
    const readings = told;
    told = [];
    try { tell(lost ? undefined : readings); } catch { lost = true; }
  };
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = realMath.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + realMath.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const read = (kind, make, beyond) => {
    if (given !== undefined) {
      const list = given[kinds[kind]];
      const value = at[kind] < list.length ? list[at[kind]++] : beyond(last[kind]);
      if (kind < 3) last[kind] = value;
      return value;
    }
    const value = make();
    if (told.length > 65536) { told = [0, 0]; lost = true; }
    if (told.length === 0) real.queueMicrotask(flush);
    told.push(kind, value);
    if (told.length >= 1024) flush();
    return value;
  };
  const later = (value) => value + 1;
  const date = () => read(0, () => RealDate.now(), later);
  const frozen = (object) => Object.isFrozen(object) || Object.getOwnPropertyDescriptor(object, 'now')?.writable === false;
  const binding = (object, members) => {
    if (frozen(object)) return Object.create(object, Object.getOwnPropertyDescriptors(members));
    const bound = new Map();
    return new Proxy(object, {
      get(target, key) {
        if (Object.hasOwn(members, key)) return members[key];
        const value = Reflect.get(target, key);
        if (typeof value !== 'function' || Object.hasOwn(value, 'prototype')) return value;
        if (!bound.has(value)) bound.set(value, value.bind(target));
        return bound.get(value);
      },
      set: (target, key, value) => Reflect.set(target, key, value),
    });
  };
  function TapedDate(...parts) {
    if (new.target === undefined) return new RealDate(date()).toString();
    const own = new.target === TapedDate ? RealDate : new.target;
    return Reflect.construct(RealDate, parts.length === 0 ? [date()] : parts, own);
  }
  Object.defineProperties(TapedDate, {
    name: { value: 'Date' },
    length: { value: 7 },
    prototype: { value: RealDate.prototype },
  });
  Object.assign(TapedDate, { now: date, parse: RealDate.parse, UTC: RealDate.UTC });
  const names = {
    Date: TapedDate,
    Math: Object.create(realMath, {
      random: {
        value: () => read(3, () => realMath.random(), next),
        writable: true,
        configurable: true,
      },
    }),
    performance: binding(realTime, {
      now: () => read(1, () => realTime.now(), later),
      get timeOrigin() { return read(2, () => realTime.timeOrigin, () => 0); },
    }),
    crypto: realCrypto && binding(realCrypto, {
      getRandomValues(target) {
        // The platform's own checks of the target come first, and what it writes is replaced.
        realCrypto.getRandomValues(target);
        const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
        const known = read(4, () => Array.from(bytes), () => []);
        if (given !== undefined)
          for (let n = 0; n < bytes.length; n++) bytes[n] = known[n] ?? next() * 256;
        return target;
      },
      randomUUID: () => read(5, () => realCrypto.randomUUID(), () => {
        const hex = (count) => Array.from({ length: count }, () => realMath.floor(next() * 16).toString(16)).join('');
        return hex(8) + '-' + hex(4) + '-4' + hex(3) + '-a' + hex(3) + '-' + hex(12);
      }),
    }),
  };
  const bound = new Map();
  const scope = new Proxy(real, {
    get(target, key) {
      const fixed = Object.getOwnPropertyDescriptor(target, key);
      const value = Reflect.get(target, key);
      if (fixed !== undefined && !fixed.configurable && fixed.writable === false) return value;
      if (Object.hasOwn(names, key)) return names[key];
      if (typeof value !== 'function' || Object.hasOwn(value, 'prototype')) return value;
      if (!bound.has(value)) bound.set(value, value.bind(target));
      return bound.get(value);
    },
    set: (target, key, value) => Reflect.set(target, key, value),
  });
  names.globalThis = scope;
  names.self = scope;
  return {
    names: [names.Date, names.Math, names.performance, names.crypto, scope, scope],
    tape(to) { tell = to; flush(); },
  };
}`;
