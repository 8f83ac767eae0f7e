/**
 * The globals that a plugin has, in every runtime, and nothing else: `process`, `document`, `fetch` and their like are
 * type errors with it. Use it through `@plinth/sdk/tsconfig.plugin.json`, or name it in `types` of a tsconfig whose
 * `lib` holds no DOM: `"types": ["@plinth/sdk/globals"]`.
 *
 * What is marked with `@sandbox` isn't there behind the wall of isolation `sandbox`.
 */

/** Writes to the plugin's log. */
declare const console: {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  dir(value?: unknown, options?: unknown): void;
  dirxml(...values: unknown[]): void;
  table(rows?: unknown, columns?: readonly string[]): void;
  assert(holds?: unknown, ...values: unknown[]): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
  count(label?: string): void;
  countReset(label?: string): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
};

/** What a timer is called; a number or an object, by runtime. */
interface PluginTimer {
  readonly [Symbol.toPrimitive]?: unknown;
}
/** Milliseconds. How many may wait at a time is up to the application. */
declare function setTimeout<A extends unknown[]>(
  run: (...values: A) => void,
  ms?: number,
  ...values: A
): PluginTimer;
declare function clearTimeout(timer: PluginTimer | undefined): void;
declare function setInterval<A extends unknown[]>(
  run: (...values: A) => void,
  ms?: number,
  ...values: A
): PluginTimer;
declare function clearInterval(timer: PluginTimer | undefined): void;
declare function queueMicrotask(run: () => void): void;
declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;
declare const self: typeof globalThis;

/** `mark` and `measure` aren't there in isolation `sandbox`. */
declare const performance: {
  now(): number;
  readonly timeOrigin: number;
  /** @sandbox */
  mark(
    name: string,
    options?: { readonly detail?: unknown; readonly startTime?: number },
  ): { readonly name: string; readonly startTime: number };
  /** @sandbox */
  measure(
    name: string,
    start?: string,
    end?: string,
  ): { readonly name: string; readonly startTime: number; readonly duration: number };
};

interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}
declare class Event {
  constructor(type: string, options?: EventInit);
  readonly type: string;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly timeStamp: number;
  readonly cancelable: boolean;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
}
declare class CustomEvent<T = unknown> extends Event {
  constructor(type: string, options?: EventInit & { detail?: T });
  readonly detail: T;
}
type EventListenerLike = ((event: Event) => void) | { handleEvent(event: Event): void };
declare class EventTarget {
  addEventListener(
    type: string,
    listener: EventListenerLike | null,
    options?:
      | boolean
      | { once?: boolean; capture?: boolean; passive?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerLike | null,
    options?: boolean | { capture?: boolean },
  ): void;
  dispatchEvent(event: Event): boolean;
}
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}
declare class AbortSignal extends EventTarget {
  static abort(reason?: unknown): AbortSignal;
  static timeout(ms: number): AbortSignal;
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  private constructor();
  readonly aborted: boolean;
  readonly reason: unknown;
  onabort: ((event: Event) => void) | null;
  throwIfAborted(): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class URLSearchParams {
  constructor(
    init?:
      | string
      | URLSearchParams
      | Iterable<readonly [string, string]>
      | Readonly<Record<string, string>>,
  );
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  toString(): string;
  forEach(run: (value: string, name: string, params: URLSearchParams) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
declare class URL {
  static canParse(url: string | URL, base?: string | URL): boolean;
  constructor(url: string | URL, base?: string | URL);
  hash: string;
  host: string;
  hostname: string;
  href: string;
  readonly origin: string;
  password: string;
  pathname: string;
  port: string;
  protocol: string;
  search: string;
  readonly searchParams: URLSearchParams;
  username: string;
  toString(): string;
  toJSON(): string;
}

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

interface ReadableStreamDefaultController<T = unknown> {
  readonly desiredSize: number | null;
  enqueue(chunk?: T): void;
  close(): void;
  error(reason?: unknown): void;
}
interface ReadableStreamDefaultReader<T = unknown> {
  readonly closed: Promise<undefined>;
  read(): Promise<{ done: false; value: T } | { done: true; value?: undefined }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}
interface QueuingStrategy<T = unknown> {
  highWaterMark?: number;
  size?(chunk: T): number;
}
interface UnderlyingSource<T = unknown> {
  start?(controller: ReadableStreamDefaultController<T>): unknown;
  pull?(controller: ReadableStreamDefaultController<T>): unknown;
  cancel?(reason?: unknown): unknown;
  type?: undefined;
}
interface StreamPipeOptions {
  preventAbort?: boolean;
  preventCancel?: boolean;
  preventClose?: boolean;
  signal?: AbortSignal;
}
declare class ReadableStream<T = unknown> {
  constructor(source?: UnderlyingSource<T>, strategy?: QueuingStrategy<T>);
  readonly locked: boolean;
  cancel(reason?: unknown): Promise<void>;
  getReader(): ReadableStreamDefaultReader<T>;
  pipeThrough<U>(
    transform: { readonly writable: WritableStream<T>; readonly readable: ReadableStream<U> },
    options?: StreamPipeOptions,
  ): ReadableStream<U>;
  pipeTo(destination: WritableStream<T>, options?: StreamPipeOptions): Promise<void>;
  tee(): [ReadableStream<T>, ReadableStream<T>];
  values(options?: { preventCancel?: boolean }): AsyncIterableIterator<T>;
  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): AsyncIterableIterator<T>;
}
interface WritableStreamDefaultWriter<T = unknown> {
  readonly closed: Promise<undefined>;
  readonly desiredSize: number | null;
  readonly ready: Promise<undefined>;
  write(chunk?: T): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
  releaseLock(): void;
}
declare class WritableStream<T = unknown> {
  constructor(
    sink?: {
      start?(controller: { error(reason?: unknown): void; readonly signal: AbortSignal }): unknown;
      write?(chunk: T, controller: unknown): unknown;
      close?(): unknown;
      abort?(reason?: unknown): unknown;
    },
    strategy?: QueuingStrategy<T>,
  );
  readonly locked: boolean;
  abort(reason?: unknown): Promise<void>;
  close(): Promise<void>;
  getWriter(): WritableStreamDefaultWriter<T>;
}
interface TransformStreamDefaultController<O = unknown> {
  readonly desiredSize: number | null;
  enqueue(chunk?: O): void;
  error(reason?: unknown): void;
  terminate(): void;
}
declare class TransformStream<I = unknown, O = unknown> {
  constructor(
    transformer?: {
      start?(controller: TransformStreamDefaultController<O>): unknown;
      transform?(chunk: I, controller: TransformStreamDefaultController<O>): unknown;
      flush?(controller: TransformStreamDefaultController<O>): unknown;
    },
    writable?: QueuingStrategy<I>,
    readable?: QueuingStrategy<O>,
  );
  readonly readable: ReadableStream<O>;
  readonly writable: WritableStream<I>;
}
declare class TextEncoderStream {
  readonly encoding: string;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<string>;
}
declare class TextDecoderStream {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly readable: ReadableStream<string>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}
declare class ByteLengthQueuingStrategy {
  constructor(options: { highWaterMark: number });
  readonly highWaterMark: number;
}
declare class CountQueuingStrategy {
  constructor(options: { highWaterMark: number });
  readonly highWaterMark: number;
}
/** @sandbox */
declare class CompressionStream {
  constructor(format: 'deflate' | 'deflate-raw' | 'gzip');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}
/** @sandbox */
declare class DecompressionStream {
  constructor(format: 'deflate' | 'deflate-raw' | 'gzip');
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView>;
}

type BlobPart = string | ArrayBuffer | ArrayBufferView | Blob;
/** @sandbox */
declare class Blob {
  constructor(
    parts?: readonly BlobPart[],
    options?: { type?: string; endings?: 'transparent' | 'native' },
  );
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
  slice(start?: number, end?: number, type?: string): Blob;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  text(): Promise<string>;
}
/** @sandbox */
declare class File extends Blob {
  constructor(
    parts: readonly BlobPart[],
    name: string,
    options?: { type?: string; lastModified?: number },
  );
  readonly lastModified: number;
  readonly name: string;
}
/** @sandbox */
declare class Headers {
  constructor(
    init?: Headers | Iterable<readonly [string, string]> | Readonly<Record<string, string>>,
  );
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(run: (value: string, name: string, headers: Headers) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

type CryptoBytes = ArrayBuffer | ArrayBufferView;
interface CryptoKey {
  readonly algorithm: { readonly name: string };
  readonly extractable: boolean;
  readonly type: 'private' | 'public' | 'secret';
  readonly usages: readonly string[];
}
interface CryptoKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}
/** Behind the wall of `sandbox` there is `digest` alone. */
interface SubtleCrypto {
  digest(algorithm: string | { name: string }, data: CryptoBytes): Promise<ArrayBuffer>;
  /** @sandbox */
  generateKey(
    algorithm: string | { name: string; [option: string]: unknown },
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey | CryptoKeyPair>;
  /** @sandbox */
  importKey(
    format: 'raw' | 'pkcs8' | 'spki' | 'jwk',
    key: CryptoBytes | object,
    algorithm: string | { name: string; [option: string]: unknown },
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  /** @sandbox */
  exportKey(
    format: 'raw' | 'pkcs8' | 'spki' | 'jwk',
    key: CryptoKey,
  ): Promise<ArrayBuffer | object>;
  /** @sandbox */
  sign(
    algorithm: string | { name: string; [option: string]: unknown },
    key: CryptoKey,
    data: CryptoBytes,
  ): Promise<ArrayBuffer>;
  /** @sandbox */
  verify(
    algorithm: string | { name: string; [option: string]: unknown },
    key: CryptoKey,
    signature: CryptoBytes,
    data: CryptoBytes,
  ): Promise<boolean>;
  /** @sandbox */
  encrypt(
    algorithm: { name: string; [option: string]: unknown },
    key: CryptoKey,
    data: CryptoBytes,
  ): Promise<ArrayBuffer>;
  /** @sandbox */
  decrypt(
    algorithm: { name: string; [option: string]: unknown },
    key: CryptoKey,
    data: CryptoBytes,
  ): Promise<ArrayBuffer>;
  /** @sandbox */
  deriveBits(
    algorithm: { name: string; [option: string]: unknown },
    key: CryptoKey,
    length: number,
  ): Promise<ArrayBuffer>;
  /** @sandbox */
  deriveKey(
    algorithm: { name: string; [option: string]: unknown },
    key: CryptoKey,
    derived: object,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
}
/** `subtle` needs a secure context in browsers. */
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  readonly subtle: SubtleCrypto;
};
