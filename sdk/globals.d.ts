// The globals that every supported runtime shares and nothing else: what sdk and kernel may rely on.
// Written by hand because the DOM and Node libraries would let each package see its own runtime.

interface String {
  isWellFormed(): boolean;
}
interface EventTargetLike {
  addEventListener(
    type: string,
    listener: (event: { readonly type: string }) => void,
    options?: { once?: boolean },
  ): void;
  removeEventListener(type: string, listener: (event: { readonly type: string }) => void): void;
}
interface AbortSignal extends EventTargetLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
type Transferable = {};
interface ErrorConstructor {
  captureStackTrace?(target: object, constructor?: unknown): void;
}

declare function structuredClone<T>(value: T, options?: { transfer?: Transferable[] }): T;
declare function setTimeout(callback: () => void, ms?: number): number;
declare function clearTimeout(timer: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;
interface SecretKey {
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}
declare function atob(text: string): string;
declare function btoa(text: string): string;
declare const performance: { now(): number };
declare const crypto: {
  randomUUID(): string;
  getRandomValues<T extends Uint8Array>(array: T): T;
  subtle: {
    digest(algorithm: string, data: Uint8Array | ArrayBuffer): Promise<ArrayBuffer>;
    generateKey(
      algorithm: string,
      extractable: boolean,
      usages: readonly string[],
    ): Promise<unknown>;
    exportKey(format: 'raw' | 'pkcs8', key: SecretKey): Promise<ArrayBuffer>;
    sign(algorithm: string, key: SecretKey, data: Uint8Array): Promise<ArrayBuffer>;
    verify(
      algorithm: string,
      key: SecretKey,
      signature: Uint8Array,
      data: Uint8Array,
    ): Promise<boolean>;
    importKey(
      format: 'raw' | 'pkcs8',
      key: Uint8Array,
      algorithm: string,
      extractable: boolean,
      usages: readonly string[],
    ): Promise<SecretKey>;
    encrypt(algorithm: object, key: SecretKey, data: Uint8Array): Promise<ArrayBuffer>;
    decrypt(algorithm: object, key: SecretKey, data: Uint8Array): Promise<ArrayBuffer>;
  };
};
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { readonly read: number; readonly written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array | ArrayBuffer, options?: { stream?: boolean }): string;
}
interface ReadableStreamController<T> {
  enqueue(item: T): void;
  close(): void;
}
declare class ReadableStream<T = unknown> {
  constructor(
    source: {
      pull?(controller: ReadableStreamController<T>): unknown;
      cancel?(reason?: unknown): unknown;
    },
    strategy?: { highWaterMark?: number },
  );
  readonly locked: boolean;
  cancel(reason?: unknown): Promise<void>;
  getReader(): {
    read(): Promise<{ done: boolean; value?: T }>;
    cancel(reason?: unknown): Promise<void>;
    releaseLock(): void;
  };
}
interface MessagePort {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
}
declare class MessageChannel {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}
declare class URL {
  constructor(url: string, base?: string);
  hash: string;
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly pathname: string;
  readonly search: string;
  readonly username: string;
  readonly password: string;
}
