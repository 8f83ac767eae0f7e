/** `PluginContext`: everything a plugin can reach. Types only; the guest runtime builds it. */
import type { Call, Caller, EventOrigin, Handlers } from './contract/call-context.js';
import type {
  AnyContract,
  CallOptions,
  Client,
  Event,
  EventArguments,
  EventOutput,
  EventQueue,
  HandlerFor,
  Hook,
  HookAnswer,
  HookArguments,
  Optional,
} from './contract/contract.js';
import type { HookOptions, HookOutcome } from './contract/hook-answers.js';
import type { Manifest } from './contract/manifest-schema.js';
import type { PermissionName } from './contract/permission-names.js';

/** A registration; disposing it twice is harmless. */
export interface Registered extends Disposable {
  dispose(): void;
}

/** What a plugin declares in `needs`, keyed by the name it uses. */
export type Needs = Readonly<Record<string, AnyContract | Optional<AnyContract>>>;

/**
 * `ctx.needs`: a typed client for each need. An optional one is undefined while it has no provider.
 */
export type NeedClients<N> = {
  readonly [K in keyof N]: N[K] extends Optional<infer C> ? Client<C> | undefined : Client<N[K]>;
};

/**
 * What a listener on a pattern receives. It includes facts of the call that caused the event, if
 * any.
 */
export interface EventEnvelope extends Partial<EventOrigin> {
  readonly topic: string;
  readonly payload: unknown;
  /** Id of the plugin that emitted it, or `host`, or `kernel`. */
  readonly source: string;
  readonly tenant: string;
}

/** The second argument of a listener on a contract's event. */
export type EventInfo = Omit<EventEnvelope, 'payload'>;

/** A handler registered by id. Its input is unknown, or the type the author declares. */
export type LooseHandler = { handle(input: unknown, call: Call): unknown }['handle'];

/** Commands of this and other plugins. */
export interface PluginCommands {
  /**
   * Registers a command handler. A bare name registers `<plugin id>:<name>`.
   *
   * @example
   * ctx.commands.handle('hello', (name) => `hello ${name}`);
   */
  handle(name: string, handler: LooseHandler): Registered;
  /**
   * Calls a command by its wire id.
   *
   * @throws PluginPermissionError `permission/denied`, PluginUnavailableError
   * `call/unknown-command`, PluginTimeoutError `call/timeout`, or what the provider threw.
   */
  execute(id: string, input?: unknown, options?: CallOptions): Promise<unknown>;
  /** The commands this plugin may execute, including those of plugins that are not started yet. */
  list(): Promise<readonly CommandInfo[]>;
}

/** One command as listings show it. */
export interface CommandInfo {
  readonly id: string;
  readonly plugin: string;
  readonly title?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** JSON Schemas from the manifest. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** State of its circuit breaker, if one is configured. */
  readonly breaker?: 'closed' | 'open' | 'half-open';
  /** Whether a handler is registered now. If not, the first call activates the plugin. */
  readonly active: boolean;
}

/** Events: facts, delivered to any number of listeners in order of emission. */
export interface PluginEvents {
  /**
   * Listens to an event of a contract, or to every topic that a pattern covers.
   *
   * @param queue what happens when this listener is too slow. Defaults to the event's contract.
   */
  on<E extends Event>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
    queue?: EventQueue,
  ): Registered;
  on(pattern: string, listener: (event: EventEnvelope) => unknown, queue?: EventQueue): Registered;
  once<E extends Event>(
    event: E,
    listener: (payload: EventOutput<E>, info: EventInfo) => unknown,
    queue?: EventQueue,
  ): Registered;
  once(
    pattern: string,
    listener: (event: EventEnvelope) => unknown,
    queue?: EventQueue,
  ): Registered;
  /**
   * Resolves when the kernel has accepted the event and every listener with `block` has room. A
   * bare topic emits `<plugin id>:<topic>`.
   */
  emit<E extends Event | string>(event: E, ...payload: EventArguments<E>): Promise<void>;
}

type HookRef = Hook & { readonly id: string };

/** Hooks: the kernel asks every handler. */
export interface PluginHooks {
  handle<H extends Hook & { readonly id: string }>(
    hook: H,
    handler: HandlerFor<H, Call>,
  ): Registered;
  handle(id: string, handler: LooseHandler): Registered;
  /**
   * Every answer: the host first, then plugins in order of discovery. Handlers that fail are left
   * out and logged.
   */
  collect<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H>[]>;
  /** The first answer that isn't undefined. */
  first<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H> | undefined>;
  /** Passes the value through all handlers; each receives the previous one's result. */
  waterfall<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<HookAnswer<H>>;
  /** The outcome of each handler: its answer or its error. */
  parallel<H extends HookRef | string>(
    hook: H,
    ...input: HookArguments<H, HookOptions>
  ): Promise<readonly HookOutcome<HookAnswer<H>>[]>;
}

/** What a middleware sees of the call or event it wraps. */
export interface MiddlewareCall {
  readonly kind: 'command' | 'event';
  /** Wire id of the command, or topic of the event. */
  readonly id: string;
  readonly input: unknown;
  readonly requestId: string;
  readonly caller: Caller;
  readonly user?: string;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

/** Continues with the call, optionally with another input. May be called once. */
export type Next = (input?: unknown) => Promise<unknown>;

/** Wraps a command or an event: answers it, or continues and may change input or output. */
export type Middleware = (call: MiddlewareCall, next: Next) => unknown;

/** A middleware's name, and its position among those around the same command or event. */
export interface MiddlewareOptions {
  /**
   * The name others use for it: as it is for the host's, after `<plugin id>:` for a plugin's.
   * Defaults to `host` for the host's, to the plugin's id for a plugin's.
   */
  readonly name?: string;
  /**
   * Middleware that runs inside this one, by name, or all of a plugin's by its id. Names that don't
   * exist are ignored.
   */
  readonly before?: string | readonly string[];
  /** Middleware that runs around this one. */
  readonly after?: string | readonly string[];
}

/** Registers middleware. The target is `command:<id>` or `event:<topic>`, and may end in `*`. */
export interface PluginMiddleware {
  /**
   * Without `before` and `after`, the host's is outermost, then each plugin's in order of
   * discovery.
   *
   * @example
   * ctx.middleware.use('command:com.example.notes:*', log, { name: 'log', before: 'com.example.auth' });
   */
  use(target: string, middleware: Middleware, options?: MiddlewareOptions): Registered;
}

/** Secrets that the application gave to this plugin alone: keys, tokens, passwords. */
export interface PluginSecrets {
  /**
   * A secret by its name; undefined when there is none. Read it at each use instead of keeping it:
   * the application may replace it.
   *
   * @throws PluginPermissionError `permission/denied` without `secrets.read` for the name,
   * PluginUnavailableError `secret/locked`.
   */
  get(name: string): Promise<string | undefined>;
}

/**
 * Settings of this and other plugins; a shortcut to the contract `Settings` of
 * `@plinth/sdk/contracts`.
 */
export interface PluginSettingsAccess {
  /**
   * The merged settings of a plugin. Without an id: of this plugin, which needs no permission.
   *
   * @throws PluginPermissionError `permission/denied` without `config.read` for the id,
   * PluginUnavailableError `plugin/not-found`.
   */
  get(plugin?: string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Changes a plugin's settings in the layer `user`, which is persisted. Objects are merged; a key
   * set to undefined is removed. If the plugin's schema or the plugin itself refuses, nothing
   * changes.
   *
   * @throws PluginPermissionError `permission/denied` without `config.write` for the id (its own
   * included), or when the application trusts that plugin more; PluginConfigurationError
   * `config/invalid`, PluginUnavailableError `plugin/not-found`.
   */
  set(plugin: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Key-value storage in the plugin's own namespace. It survives restarts and has a quota. */
export interface PluginStorage {
  get(key: string): Promise<unknown>;
  /**
   * @throws PluginOverloadedError `storage/quota` when the value doesn't fit; nothing is written.
   */
  set(key: string, value: unknown): Promise<void>;
  /** Whether the key existed. */
  delete(key: string): Promise<boolean>;
  has(key: string): Promise<boolean>;
  /** Keys in lexical order; with a prefix, only those that start with it. */
  keys(prefix?: string): Promise<string[]>;
  clear(): Promise<void>;
  /**
   * Replaces a value atomically by the result of `change`: no concurrent change is lost. `change`
   * runs in the plugin, and runs again after a conflicting write.
   *
   * @example
   * const visits = await ctx.storage.update('visits', (n: number | undefined) => (n ?? 0) + 1);
   */
  update<T = unknown>(key: string, change: (current: T | undefined) => T): Promise<T>;
}

/** Writes to the kernel's log under the plugin's name. Fields are plain values. */
export interface PluginLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Messages to plugins by their id, or to the handler that suits them best. */
export interface PluginMessaging {
  /**
   * Sends a message to a plugin and returns its handler's answer.
   *
   * @throws PluginPermissionError `permission/denied` (`messaging.send`), PluginUnavailableError
   * `message/no-handler`.
   */
  send(plugin: string, message: unknown, options?: CallOptions): Promise<unknown>;
  /**
   * Sends a message to the `MessageHandler` (`@plinth/sdk/contracts`) with the highest confidence.
   * Needs `messaging.send` for `*`.
   */
  route(message: unknown, options?: CallOptions): Promise<unknown>;
  /** Handles the messages sent to this plugin. One handler per plugin. */
  on(handler: LooseHandler): Registered;
}

/** Clients and handlers for contracts that `needs` doesn't list. */
export interface PluginServices {
  /** See {@link PluginContext.provide}. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /** A typed client. Each call needs the permission to execute its command. */
  get<C extends AnyContract>(contract: C): Client<C>;
}

/** Asks the kernel what this plugin may do. The answer only informs; each use is checked. */
export interface PluginPermissions {
  has(permission: PermissionName, scope?: string): Promise<boolean>;
  /**
   * Asks the application for a permission that policy leaves open. Returns whether the plugin has
   * it now; false when the application has no handler for requests.
   *
   * @param options the reason, in a sentence for people, and the duration in milliseconds (for good
   * when absent).
   * @throws PluginValidationError `permission/invalid`.
   */
  request(
    permission: PermissionName,
    scope?: string,
    options?: { readonly why?: string; readonly for?: number },
  ): Promise<boolean>;
}

/** Files of the machine, by the absolute paths that `fs.read` and `fs.write` name. Only in Node. */
export interface PluginFiles {
  /** At most 16 MiB. */
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  /** Creates the file or replaces all of it. Its folder must exist. */
  write(path: string, data: string | ArrayBuffer | ArrayBufferView): Promise<void>;
  /** Names in a folder, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined when the path doesn't exist. Sizes are bytes, times milliseconds since the epoch. */
  stat(path: string): Promise<
    | {
        readonly kind: 'file' | 'folder' | 'other';
        readonly size: number;
        readonly modified: number;
      }
    | undefined
  >;
  /** Whether the file existed. */
  remove(path: string): Promise<boolean>;
}

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

/**
 * What `activate` receives. Everything registered through it belongs to the plugin's scope and ends
 * with it.
 */
export interface PluginContext<N = Record<never, never>, Config = Record<string, unknown>> {
  readonly plugin: { readonly id: string; readonly version: string; readonly manifest: Manifest };
  /** `tenant-0` unless the kernel has tenants. */
  readonly tenant: string;
  /** Aborts when the plugin stops. */
  readonly signal: AbortSignal;
  /**
   * The current settings: frozen and parsed by the plugin's schema. A change creates another object
   * and calls `configure`.
   */
  readonly config: Readonly<Config>;
  readonly needs: NeedClients<N>;
  readonly commands: PluginCommands;
  readonly events: PluginEvents;
  readonly hooks: PluginHooks;
  readonly middleware: PluginMiddleware;
  readonly messaging: PluginMessaging;
  readonly services: PluginServices;
  readonly storage: PluginStorage;
  readonly secrets: PluginSecrets;
  readonly settings: PluginSettingsAccess;
  /**
   * Files. A link may not lead outside the allowed paths.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `fs/invalid`,
   * PluginError `fs/failed`, also where the runtime has no files.
   */
  readonly fs: PluginFiles;
  /** Environment variables of the application that `env.read` names. Only in Node. */
  readonly env: {
    /** @throws PluginPermissionError `permission/denied`. */
    get(name: string): Promise<string | undefined>;
  };
  /**
   * Fetches a URL through the host, without cookies. Only what the permission `network.fetch` names
   * is allowed, also after redirects.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `network/invalid`,
   * PluginNetworkError `network/failed`, PluginTimeoutError `call/timeout`, PluginOverloadedError
   * `network/too-large`.
   * @example
   * const { rates } = await (await ctx.fetch('https://api.example.com/rates')).json();
   */
  fetch(url: string | URL, options?: FetchOptions): Promise<FetchResponse>;
  readonly logger: PluginLogger;
  readonly permissions: PluginPermissions;
  /** Answers every command and hook of a contract. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /**
   * Disposes a disposable with the plugin, in reverse order of registration. Returns the
   * disposable.
   */
  own<D extends Disposable | { dispose(): unknown }>(disposable: D): D;
  /**
   * Runs a function on the plugin's own behalf: with its own permissions and without a user, inside
   * any call. Where the runtime can't carry this across an `await`, pass `own` to the calls as
   * options.
   *
   * @example
   * // The plugin updates its index with its own permissions, not those of the caller.
   * await ctx.own((own) => ctx.commands.execute('com.example.search:index', note, own));
   */
  own<T>(work: (own: CallOptions) => T): T;
  /** Runs a function when the plugin stops. */
  defer(undo: () => unknown): void;
}
