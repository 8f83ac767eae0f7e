/**
 * What a compartment receives from its realm: wrapped functions and frozen classes, and nothing
 * that gives access to more.
 */

type Any = Record<string, unknown>;

/** Freezes a value and everything reachable from it; provided by hardened JavaScript. */
export type Harden = <T>(value: T) => T;

/** Timers that one compartment may have pending at once. */
const MAX_TIMERS = 10_000;

/**
 * Platform classes that only handle data and have no authority. Frozen with everything reachable
 * from them.
 */
const DATA_CLASSES = [
  'URL',
  'URLSearchParams',
  'TextEncoder',
  'TextDecoder',
  'Event',
  'EventTarget',
  'CustomEvent',
  'AbortController',
  'AbortSignal',
  'DOMException',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'TextEncoderStream',
  'TextDecoderStream',
  'ByteLengthQueuingStrategy',
  'CountQueuingStrategy',
] as const;

/** The functions of a realm that a compartment receives wrapped. */
interface Functions {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  queueMicrotask(run: () => void): void;
  structuredClone(value: unknown, options?: object): unknown;
  readonly crypto: Crypto;
  readonly performance: { now(): number; timeOrigin: number };
  atob(text: string): string;
  btoa(text: string): string;
}

/** Randomness and digests of a realm. */
interface Crypto {
  getRandomValues(bytes: object): unknown;
  randomUUID?(): string;
  readonly subtle?: { digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> };
}

/** Takes the platform's functions from a realm, before any foreign code runs in it. */
export function takeEndowments(realm: object, harden: Harden): Any {
  const global = realm as Any & typeof globalThis;
  // Taken by value: the realm may lose or change these names later.
  const {
    setTimeout,
    clearTimeout,
    queueMicrotask,
    structuredClone,
    crypto,
    performance,
    atob,
    btoa,
  } = global as unknown as Functions;
  const classes = takeDataClasses(global, harden);
  for (const made of unnamedInstances(global)) harden(quiet(Object.getPrototypeOf(made) as object));
  return harden({
    ...classes,
    ...countedTimers(setTimeout, clearTimeout),
    queueMicrotask(run: unknown) {
      if (typeof run !== 'function') throw new TypeError('queueMicrotask needs a function');
      queueMicrotask(() => Reflect.apply(run as () => void, undefined, []));
    },
    structuredClone: (value: unknown, options?: object) => structuredClone(value, options),
    crypto: wrappedCrypto(crypto),
    performance: { now: () => performance.now(), timeOrigin: performance.timeOrigin },
    atob: (text: unknown) => atob(String(text)),
    btoa: (text: unknown) => btoa(String(text)),
    // Compartments normally lack these, because a NaN may carry bits to a neighbour. Here there is
    // no neighbour.
    ...Object.fromEntries(
      ['Float16Array', 'Float32Array', 'Float64Array'].flatMap((name) =>
        typeof global[name] === 'function' ? [[name, global[name]]] : [],
      ),
    ),
    // The realm's own: they have the time and randomness that a compartment's lack.
    Date: global.Date,
    Math: global.Math,
    Intl: global.Intl,
  });
}

/** The data classes that a realm has, frozen. */
function takeDataClasses(global: Any & typeof globalThis, harden: Harden): Any {
  return Object.fromEntries(
    DATA_CLASSES.flatMap((name) =>
      typeof global[name] === 'function'
        ? [[name, withoutInspector(global[name] as object, harden)]]
        : [],
    ),
  );
}

/** Timers under numbers of the compartment's own, at most {@link MAX_TIMERS} at once. */
function countedTimers(
  setTimeout: Functions['setTimeout'],
  clearTimeout: Functions['clearTimeout'],
): Any {
  const timers = new Map<number, unknown>();
  let last = 0;
  const start = (run: unknown, ms: unknown, again: boolean, values: readonly unknown[]): number => {
    if (typeof run !== 'function') throw new TypeError('a timer needs a function');
    if (timers.size >= MAX_TIMERS) throw new RangeError(`more than ${MAX_TIMERS} timers`);
    last += 1;
    const id = last;
    const wait = Math.max(again ? 1 : 0, Number(ms) || 0);
    const go = () => {
      if (again) timers.set(id, setTimeout(go, wait));
      else timers.delete(id);
      Reflect.apply(run as () => void, undefined, values);
    };
    timers.set(id, setTimeout(go, wait));
    return id;
  };
  const stop = (id: unknown) => {
    if (!timers.has(id as number)) return;
    clearTimeout(timers.get(id as number));
    timers.delete(id as number);
  };
  return {
    setTimeout: (run: unknown, ms?: unknown, ...values: unknown[]) => start(run, ms, false, values),
    setInterval: (run: unknown, ms?: unknown, ...values: unknown[]) => start(run, ms, true, values),
    clearTimeout: stop,
    clearInterval: stop,
  };
}

/** Randomness and digests alone; keys and ciphers stay outside. */
function wrappedCrypto(crypto: Crypto): Any {
  return {
    getRandomValues: (bytes: object) => crypto.getRandomValues(bytes),
    ...(crypto.randomUUID !== undefined && {
      randomUUID: () => (crypto.randomUUID as () => string)(),
    }),
    ...(crypto.subtle !== undefined && {
      subtle: {
        digest: (algorithm: unknown, data: unknown) =>
          (crypto.subtle as { digest(a: unknown, d: unknown): Promise<ArrayBuffer> }).digest(
            algorithm,
            data,
          ),
      },
    }),
  };
}

/** A class without the hooks that a runtime has for its own inspector. */
function withoutInspector(platformClass: object, harden: Harden): object {
  const { prototype } = platformClass as { prototype: object };
  // Node assigns it to streams it creates, which a frozen prototype would refuse.
  Reflect.defineProperty(prototype, 'constructor', {
    get: () => platformClass,
    set(this: object, value: unknown) {
      Reflect.defineProperty(this, 'constructor', { value, writable: true, configurable: true });
    },
    configurable: true,
  });
  quiet(prototype);
  return harden(platformClass);
}

function quiet(prototype: object): object {
  const inspect = Symbol.for('nodejs.util.inspect.custom');
  for (
    let at: object | null = prototype;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  )
    Reflect.deleteProperty(at, inspect);
  return prototype;
}

/** The methods of platform classes that are used here. */
interface PlatformInstance {
  getReader(options?: object): object;
  getWriter(): object;
  entries(): object;
  [Symbol.asyncIterator]?(): object;
}

/**
 * One instance of each unnamed class that the platform classes produce. Otherwise a plugin could
 * change their prototypes, and the guest runtime would run the result.
 */
function unnamedInstances(global: object): object[] {
  const { ReadableStream, WritableStream, TransformStream, URLSearchParams } = global as Record<
    'ReadableStream' | 'WritableStream' | 'TransformStream' | 'URLSearchParams',
    new (
      options?: object,
    ) => PlatformInstance
  >;
  const made: object[] = [];
  const start = (controller: object) => void made.push(controller);
  made.push(
    new ReadableStream({ start }).getReader(),
    new WritableStream({ start }).getWriter(),
    new URLSearchParams().entries(),
  );
  const reader = byteReader(() => new ReadableStream({ type: 'bytes', start }));
  if (reader !== undefined) made.push(reader);
  new TransformStream({ start });
  const iterator = new ReadableStream()[Symbol.asyncIterator]?.();
  if (iterator !== undefined) made.push(iterator);
  const segments = new Intl.Segmenter().segment('');
  made.push(segments, segments[Symbol.iterator]());
  return made;
}

/** WebKitGTK has no byte streams, so a plugin can't have them there either. */
function byteReader(stream: () => PlatformInstance): object | undefined {
  try {
    return stream().getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}
