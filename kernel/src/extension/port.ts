/** The port of an extension: the parts that all extensions have, and the declared powers. */
import type { LogEntry } from '../telemetry/logger.js';
import type { Powers } from './powers.js';
import type { AnyFactory, ApiOf, RequiredBy, Statics } from './statics.js';
import type { PluginView, Registered } from './views.js';

/** The phases in which an extension can run a task. */
export type Phase = 'open' | 'started' | 'stopping';

/** How healthy an extension is. */
export type ExtensionHealth = 'healthy' | 'degraded' | 'unhealthy';

/** What an extension reports about itself. */
export interface Inspection {
  health?(): ExtensionHealth | Promise<ExtensionHealth>;
  /** Plain data for `kernel.diagnostics()`. */
  diagnostics?(): unknown;
}

/** The log of an extension. Its entries have `extension:<name>` as their source. */
export interface ExtensionLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Hides a text from everything that is logged or announced from now on: a token, a password. */
  hide(text: string): void;
  /**
   * Receives the entries of the tenant from now on, without the secrets that were hidden. It gets
   * none of this extension, and none that others write while it runs. Its errors are dropped.
   */
  sink(take: (entry: LogEntry) => unknown): Registered;
  /** A value as it may be shown: a copy without secrets, or the value itself when it has none. */
  shown<T>(value: T): T;
}

/**
 * The parts that every extension has. Registrations end automatically when the tenant has stopped.
 */
export interface PortBase<S extends Statics = Statics> {
  readonly name: S['name'];
  readonly tenant: string;
  /** The option of the kernel: with `only`, no plugin starts by itself in the default tenant. */
  readonly tenants: 'only' | undefined;
  /** Milliseconds. */
  readonly limits: { readonly hook: number; readonly swap: number };
  /** `node`, `browser`, …; undefined where only inline guests run. */
  readonly runtime: string | undefined;
  readonly log: ExtensionLog;
  readonly plugins: {
    all(): readonly PluginView[];
    /** The highest stable version in the range. */
    get(id: string, range?: string): PluginView | undefined;
  };
  /**
   * Ends a thing after all plugins have stopped, the latest first. After the end it ends at once.
   * Returns the thing.
   */
  own<T extends Disposable | AsyncDisposable | (() => unknown)>(thing: T): T;
  /**
   * Runs a task after so many milliseconds, unless the tenant stops before.
   *
   * @throws PluginUnavailableError `kernel/stopped` after the end.
   */
  after(milliseconds: number, task: () => unknown): Registered;
  /**
   * `open`: before plugins are discovered; a failure makes `start()` fail. `started`: after the
   * `startup` plugins run. `stopping`: before the first plugin is stopped; a failure is logged.
   * Tasks are awaited, for a bounded time.
   *
   * @throws PluginConfigurationError `extension/late` when the phase is over.
   */
  on(phase: Phase, task: () => unknown): void;
  /** The API of an extension in `requires`. */
  use<F extends RequiredBy<S>>(factory: F): ApiOf<F>;
  /** The API of an extension that may be absent. Not available before `open`. */
  find<F extends AnyFactory>(factory: F): ApiOf<F> | undefined;
  /** Adds to the kernel's health and diagnostics. */
  inspect(parts: Inspection): void;
  /** The worst health that the extensions of this tenant report now. It never rejects. */
  health(): Promise<ExtensionHealth>;
}

/** The port of an extension: what all have, and its powers. */
export type ExtensionPort<S extends Statics = Statics> = PortBase<S> &
  Pick<Powers<S>, S['uses'][number]>;
