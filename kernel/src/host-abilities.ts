/**
 * Abilities that a host may offer to plugins with the permission, beside the network. Each call was
 * checked before it comes here.
 */

/** Facts about a path. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/**
 * Checks whether a plugin may use a path. It is called again for the real path behind links.
 *
 * @throws PluginPermissionError.
 */
export type CheckPath = (path: string) => void;

/**
 * Files of this machine, by absolute paths. A link never leads past what was checked.
 *
 * @throws PluginError `fs/failed`, `fs/invalid`.
 */
export interface HostFiles {
  read(path: string, check: CheckPath): Promise<Uint8Array>;
  /** Replaces the file as a whole. */
  write(path: string, data: Uint8Array, check: CheckPath): Promise<void>;
  /** Names in a folder, sorted. */
  list(path: string, check: CheckPath): Promise<readonly string[]>;
  /** Undefined when nothing exists at the path. */
  stat(path: string, check: CheckPath): Promise<FileFacts | undefined>;
  /** Resolves to whether there was a file. */
  remove(path: string, check: CheckPath): Promise<boolean>;
}

/**
 * One request, as a host sends it. The host follows no redirect, and sends nothing beyond these
 * fields.
 */
export interface NetworkRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
  /** Largest body of the answer, in bytes. */
  readonly maxBytes: number;
  /**
   * Whether an address of this machine or of a private network may be reached, because the right
   * names it.
   */
  readonly privateAllowed: boolean;
  /**
   * W3C trace context of the call that it is made for. A host sends it where that has no other
   * consequences: a page would have to ask the server first.
   */
  readonly traceparent?: string;
}

/** The answer to one request. */
export interface NetworkResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** What a host offers for `ctx.fetch`. @throws PluginNetworkError, PluginPermissionError. */
export type SendRequest = (request: NetworkRequest) => Promise<NetworkResponse>;
