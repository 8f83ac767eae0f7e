/** `ctx.fetch`. */

/** Options of `ctx.fetch`. */
export interface FetchOptions {
  /** `GET` when absent. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]>;
  /** At most 8 MiB. */
  readonly body?: string | ArrayBuffer | ArrayBufferView | null;
  /** Aborting it ends the request. */
  readonly signal?: AbortSignal;
  /** Milliseconds; 30 000 when absent. */
  readonly timeout?: number;
}

/** The complete response of `ctx.fetch`, at most 16 MiB. */
export interface FetchResponse {
  /** The final URL, after redirects. */
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  /** Whether the status means success. */
  readonly ok: boolean;
  readonly headers: {
    get(name: string): string | null;
    has(name: string): boolean;
    entries(): IterableIterator<[string, string]>;
  };
  text(): Promise<string>;
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}
