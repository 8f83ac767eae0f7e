/** The ports a host implements: where guests run, where plugins come from, where bytes are kept. Types only. */
import type { Isolation, LogLevel, PluginError } from '@plinth/sdk/contract';
import type { Endpoint } from '@plinth/sdk/rpc';
import type { HostFiles } from './host-abilities.js';
import type { SendRequest } from './network/fetch.js';

/** What a guest is launched for. The plugin's code and identity follow over the link, never through the launch. */
export interface LaunchRequest {
  readonly plugin: { readonly id: string; readonly version: string };
  readonly isolation: Isolation;
  readonly limits: {
    /** Heap limit in bytes, where the platform can set one. */
    readonly memory?: number;
    /** Milliseconds until a guest that hasn't announced itself counts as failed. */
    readonly ready: number;
  };
  /** A plugin that is already loaded; only inline guests can use it. */
  readonly exported?: unknown;
  /** Counts launches of the same plugin. */
  readonly generation: number;
  /** Takes what the guest writes past the kernel, to stdout for instance. */
  log(level: LogLevel, text: string): void;
}

/** Why a guest has ended. */
export interface ExitReason {
  readonly kind: 'exited' | 'crashed' | 'out-of-memory' | 'terminated';
  /** Exit code, where there is one. */
  readonly code?: number;
  /** What was thrown, when it crashed. */
  readonly error?: unknown;
}

/** What a guest uses. */
export interface ResourceUsage {
  /** Bytes of heap. */
  readonly memory?: number;
  /** Milliseconds of CPU. */
  readonly cpu?: number;
}

/** A running guest. The kernel owns it from the moment `launch` resolves. */
export interface Guest {
  /** The pipe; the guest has announced itself on it and waits. */
  readonly endpoint: Endpoint;
  /** Whether ports can be sent over the pipe; only such guests get direct lanes. */
  readonly ports?: boolean;
  /** Settles once, by whatever cause; never rejects. */
  readonly exited: Promise<ExitReason>;
  usage?(): Promise<ResourceUsage>;
  /**
   * Ends the guest at once. Idempotent; resolves when it is gone.
   *
   * @param whole ends it for everybody who shares it; where nobody does it is always that.
   */
  terminate(whole?: boolean): Promise<void>;
}

/** Starts guests. */
export interface Host {
  /** `node`, `browser`, …: matched with `runtimes` of a manifest. A host without one fits every plugin. */
  readonly runtime?: string;
  readonly isolations: readonly Isolation[];
  /** @throws PluginLifecycleError `plugin/launch-failed` that names the cure; nothing is left running then. */
  launch(request: LaunchRequest): Promise<Guest>;
  /** Sends a request for a plugin that may; without it `ctx.fetch` fails. */
  send?: SendRequest;
  /** Files of this machine, for plugins that may use them; none where absent. */
  readonly files?: HostFiles;
  /** A variable of the environment, for plugins that may read it. */
  environment?(name: string): string | undefined;
  /** Runs a task after the event loop had a turn; `setTimeout` where absent. */
  defer?(task: () => void): void;
  /** Starts what the host keeps ready; called when the kernel has started. */
  prepare?(): void;
  /** Releases what the host keeps for itself. */
  close?(): Promise<void>;
}

/** A plugin as a source found it: nothing is trusted or parsed yet. */
export interface PluginPackage {
  /** Where it was found, for messages: a path or a URL. */
  readonly origin: string;
  /** Text of `plugin.json`, or an object in its place. */
  readonly manifest: string | object;
  /** Why the manifest couldn't be read; the package is then listed as failed. */
  readonly problem?: unknown;
  /** Reads the bundle that the manifest calls `main`. */
  code(main: string): Promise<string>;
  /** Reads the text of `plugin.sig.json`; undefined when there is none. */
  signature?(): Promise<string | undefined>;
  /** Every file of the package by its path, where that can be told. */
  list?(): Promise<readonly string[]>;
  /** Reads a file of the package. */
  read?(path: string): Promise<Uint8Array>;
  /** A plugin object that the application itself holds; runs inline. */
  readonly exported?: unknown;
}

/** Finds plugins. */
export interface PluginSource {
  /** Where it looks, for messages. */
  readonly origin?: string;
  discover(): AsyncIterable<PluginPackage>;
}

/** Keeps values by key. Values are wire values; every method is atomic for its key. */
export interface StorageAdapter {
  get(key: string): Promise<unknown>;
  /** Resolves when the value is durable. */
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Keys that start with a prefix, in any order. */
  keys(prefix: string): Promise<readonly string[]>;
  clear(prefix: string): Promise<void>;
  /** Replaces the value by what a synchronous function makes of it; `undefined` deletes. No change in between is lost. */
  update(key: string, change: (current: unknown) => unknown): Promise<void>;
  /** Tells of each value that was found damaged, and counts as absent; at once of those found before. */
  onCorrupt?(listener: (problem: PluginError) => void): void;
  close(): Promise<void>;
}
