/**
 * The ports a host implements: where guests run, where plugins come from, where bytes are kept.
 * Types only.
 */
import type { Isolation, LogLevel, PluginError } from '@plinth/sdk/contract';
import type { Endpoint } from '@plinth/sdk/rpc';
import type { HostFiles, SendRequest } from './host-abilities.js';

/**
 * What a guest is launched with. The plugin's code and identity follow over the link, never through
 * the launch.
 */
export interface LaunchRequest {
  readonly plugin: { readonly id: string; readonly version: string };
  readonly isolation: Isolation;
  readonly limits: {
    /** Heap limit in bytes, where the platform can set one. */
    readonly memory?: number;
    /** Milliseconds within which a guest must announce itself. After that the launch has failed. */
    readonly ready: number;
  };
  /** A plugin object that is already loaded. Only inline guests can use it. */
  readonly exported?: unknown;
  /** Counts launches of the same plugin. */
  readonly generation: number;
  /** Receives output that the guest writes directly, to stdout for instance. */
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
  /** Milliseconds of CPU since the guest was started. */
  readonly cpu?: number;
  /** The share of the time that its event loop was busy, since this was asked last, from 0 to 1. */
  readonly eventLoop?: number;
}

/** A running guest. The kernel owns it from the moment `launch` resolves. */
export interface Guest {
  /** The pipe. The guest has announced itself on it and waits. */
  readonly endpoint: Endpoint;
  /** Whether ports can be sent over the pipe; only such guests get direct lanes. */
  readonly ports?: boolean;
  /** Settles once, for any cause. Never rejects. */
  readonly exited: Promise<ExitReason>;
  usage?(): Promise<ResourceUsage>;
  /**
   * Records where its thread spends its time, as V8 writes it (`.cpuprofile`). Absent where the
   * runtime has no profiler.
   */
  profile?(milliseconds: number): Promise<unknown>;
  /**
   * Ends the guest at once. Idempotent; resolves when it is gone.
   *
   * @param whole also ends it for other tenants that share this guest. It has no effect on unshared
   * guests.
   */
  terminate(whole?: boolean): Promise<void>;
}

/**
 * Carries the context of a handler across its awaits: a runtime's `AsyncLocalStorage`, or its like.
 */
export interface GuestContext {
  /** Runs `work`, and everything that follows from it, with a value. */
  run<T>(value: unknown, work: () => T): T;
  current(): unknown;
}

/** Facts about the system that a host runs on. */
export interface SystemFacts {
  /** Versions of the platform, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Bytes that the application uses. */
  readonly memory?: number;
  /** The share of the machine's processors that was recently busy, from 0 on. */
  readonly cpu?: number;
}

/** Starts guests. */
export interface Host {
  /**
   * `node`, `browser`, …: matched with `runtimes` of a manifest. A host without one fits every
   * plugin.
   */
  readonly runtime?: string;
  readonly isolations: readonly Isolation[];
  /** Whether this machine offers one of {@link isolations}. When absent, it offers all of them. */
  offers?(isolation: Isolation): boolean;
  /**
   * @throws PluginLifecycleError `plugin/launch-failed` that names the cure. Nothing is left
   * running.
   */
  launch(request: LaunchRequest): Promise<Guest>;
  /** Sends a request for a plugin with the permission. Without it `ctx.fetch` fails. */
  send?: SendRequest;
  /** Files of this machine, for plugins with the permission. When absent, there are none. */
  readonly files?: HostFiles;
  /** A variable of the environment, for plugins with the permission. */
  environment?(name: string): string | undefined;
  /** Facts about the system, for plugins with the permission `system.read`. */
  system?(): SystemFacts;
  /** Runs a task after a turn of the event loop. When absent, `setTimeout` is used. */
  defer?(task: () => void): void;
  /** Makes the carrier for the context of an inline guest's handlers across their awaits. */
  context?(): GuestContext;
  /**
   * Whether a debugger may hold guests at a breakpoint. While it is true, no guest is ended for
   * being silent or slow. Called often.
   */
  debugged?(): boolean;
  /** Starts what the host keeps ready. Called when the kernel has started. */
  prepare?(): void;
  /** Releases the host's own resources. */
  close?(): Promise<void>;
}

/** The first host's method of a name. It is bound, because a host may be an object of a class. */
export function abilityOf<K extends 'defer' | 'environment' | 'send'>(
  hosts: readonly Host[],
  name: K,
): Host[K] {
  const host = hosts.find((one) => one[name] !== undefined);
  return host?.[name]?.bind(host) as Host[K];
}

/** A plugin as a source found it. Nothing is trusted or parsed yet. */
export interface PluginPackage {
  /** Where it was found, for messages: a path or a URL. */
  readonly origin: string;
  /** Text of `plugin.json`, or an object in its place. */
  readonly manifest: string | object;
  /** Why the manifest couldn't be read. The package is then listed as failed. */
  readonly problem?: unknown;
  /**
   * Reads the bundle that the manifest calls `main`.
   *
   * @param most the bytes after which reading stops and the promise rejects.
   */
  code(main: string, most?: number): Promise<string>;
  /** Reads the text of `plugin.sig.json`. Resolves to undefined when there is none. */
  signature?(): Promise<string | undefined>;
  /** Every file of the package by its path, where the source can list them. */
  list?(): Promise<readonly string[]>;
  /** Reads a file of the package, within the same bound. */
  read?(path: string, most?: number): Promise<Uint8Array>;
  /** A plugin object that the application itself holds. It runs inline. */
  readonly exported?: unknown;
  /** Reads the package again, for a reload and to see whether it has changed since it was found. */
  refresh?(): Promise<PluginPackage>;
  /**
   * Says that the files can't change, because the application or the kernel keeps them. The kernel
   * copies other packages once they run.
   */
  readonly held?: true;
}

/** What a source sees of one place: another package, or none any more. */
export interface SourceChange {
  /** The place: the `origin` of the package that was there. */
  readonly origin: string;
  /** What is there now. Undefined: nothing is. */
  readonly found: PluginPackage | undefined;
  /** Consent to a new owner of the plugin's id, by name, as for an installation. */
  readonly owner?: string;
}

/** Finds plugins. */
export interface PluginSource {
  /** Where it looks, for messages. */
  readonly origin?: string;
  discover(): AsyncIterable<PluginPackage>;
  /**
   * Reports what changes after {@link discover}, from the start of the kernel until the result is
   * disposed, which the kernel does when it stops: by `dispose`, or by `Symbol.dispose` where it has
   * no `dispose`. A changed package replaces the running plugin, with its state; a new one is
   * installed, one that is gone is uninstalled.
   *
   * @param onChange settles when the kernel runs what was reported. It rejects with the reason when
   * it doesn't: what ran before still runs, and the kernel has logged that.
   */
  watch?(onChange: (change: SourceChange) => Promise<void>): { dispose(): void };
}

/** Keeps values by key. Values are wire values. Every method is atomic for its key. */
export interface StorageAdapter {
  get(key: string): Promise<unknown>;
  /** Resolves when the value is durable. */
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Keys that start with a prefix, in any order. */
  keys(prefix: string): Promise<readonly string[]>;
  clear(prefix: string): Promise<void>;
  /**
   * Replaces the value by the result of a synchronous function; `undefined` deletes it. No
   * concurrent change is lost. Where processes share a storage, the function is called again when
   * another one was faster, and its last result counts.
   */
  update(key: string, change: (current: unknown) => unknown): Promise<void>;
  /** The bytes that it takes to keep a value under a key. Without it the kernel estimates. */
  cost?(key: string, value: unknown): number;
  /**
   * The bytes of every value under a prefix, without reading the values. Without it the kernel
   * reads them.
   */
  sizes?(prefix: string): Promise<ReadonlyMap<string, number>>;
  /**
   * Resolves to the problem that keeps it from working now, or undefined. The kernel's health shows
   * it.
   */
  problem?(): Promise<PluginError | undefined>;
  /**
   * Calls the listener for each value that was found damaged or lost, which then counts as absent.
   * Values found earlier are reported at once.
   */
  onCorrupt?(listener: (problem: PluginError) => void): void;
  close(): Promise<void>;
}

/**
 * Keeps which plugins are installed, and what was decided about them, apart from other data.
 * `sqlRegistry()` of `@plinth/sql/storage` is one.
 */
export interface RegistryAdapter {
  /**
   * A storage that keeps the values of the registry itself, and all others in the given one. It
   * closes both. In place of a value that is damaged it may answer a `PluginError` of the code
   * `registry/damaged`, which says how.
   */
  over(storage: StorageAdapter): StorageAdapter;
}
