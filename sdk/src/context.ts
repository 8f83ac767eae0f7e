/** `PluginContext`: everything a plugin can reach. Types only; the guest runtime builds it. */
import type { Call, Caller, EventOrigin, Handlers } from './contract/call-context.js';
import type { AnyContract, CallOptions, Client, Event, EventInput, EventQueue, EventOutput, HandlerFor, Hook, HookInput, HookOutput, Optional } from './contract/contract.js';
import type { HookOptions, HookOutcome } from './contract/hook-answers.js';
import type { Manifest } from './contract/manifest.js';
import type { PermissionName } from './contract/permission-names.js';

/** A registration; disposing it twice is harmless. */
export interface Registered extends Disposable {
  dispose(): void;
}

/** What a plugin declares in `needs`, by the name it wants to use. */
export type Needs = Readonly<Record<string, AnyContract | Optional<AnyContract>>>;

/** `ctx.needs`: a typed client for each need; an optional one is undefined while nobody provides it. */
export type NeedClients<N> = {
  readonly [K in keyof N]: N[K] extends Optional<infer C> ? Client<C> | undefined : Client<N[K]>;
};

/** What a listener on a pattern receives; with facts of the call that the event was emitted for, where there was one. */
export interface EventEnvelope extends Partial<EventOrigin> {
  readonly topic: string;
  readonly payload: unknown;
  /** Id of the plugin that emitted it, or `host`, or `kernel`. */
  readonly source: string;
  readonly tenant: string;
}

/** The second argument of a listener on a contract's event. */
export type EventInfo = Omit<EventEnvelope, 'payload'>;

/** A handler registered by id: its input is unknown, or whatever type the author writes for it. */
export type LooseHandler = { handle(input: unknown, call: Call): unknown }['handle'];

/** Commands of this and other plugins. */
export interface PluginCommands {
  /**
   * Answers a command. A bare name registers `<plugin id>:<name>`.
   *
   * @example
   * ctx.commands.handle('hello', (name) => `hello ${name}`);
   */
  handle(name: string, handler: LooseHandler): Registered;
  /**
   * Calls a command by its wire id.
   *
   * @throws PluginPermissionError `permission/denied`, PluginUnavailableError `call/unknown-command`,
   * PluginTimeoutError `call/timeout`, or whatever the provider threw.
   */
  execute(id: string, input?: unknown, options?: CallOptions): Promise<unknown>;
  /** The commands this plugin may execute, also those of plugins that are not started yet. */
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
  /** How its circuit breaker is, where one is configured. */
  readonly breaker?: 'closed' | 'open' | 'half-open';
  /** Whether a handler is registered now; one that isn't is activated by the first call. */
  readonly active: boolean;
}

/** Events: facts, delivered to any number of listeners in the order of their emission. */
export interface PluginEvents {
  /**
   * Listens to an event of a contract, or to every topic that a pattern covers.
   *
   * @param queue what happens when this listener can't keep up; else what the event's contract says.
   */
  on<E extends Event>(event: E, listener: (payload: EventOutput<E>, info: EventInfo) => unknown, queue?: EventQueue): Registered;
  on(pattern: string, listener: (event: EventEnvelope) => unknown, queue?: EventQueue): Registered;
  once<E extends Event>(event: E, listener: (payload: EventOutput<E>, info: EventInfo) => unknown, queue?: EventQueue): Registered;
  once(pattern: string, listener: (event: EventEnvelope) => unknown, queue?: EventQueue): Registered;
  /** Resolves when the kernel has accepted the event, and listeners that make emitters wait have room. A bare topic emits `<plugin id>:<topic>`. */
  emit<E extends Event>(event: E, payload: EventInput<E>): Promise<void>;
  emit(topic: string, payload?: unknown): Promise<void>;
}

/** Hooks: every handler is asked. */
export interface PluginHooks {
  handle<H extends Hook & { readonly id: string }>(hook: H, handler: HandlerFor<H, Call>): Registered;
  handle(id: string, handler: LooseHandler): Registered;
  /** Every answer: the host first, then plugins in the order of their discovery; handlers that fail are left out and reported to the log. */
  collect<H extends Hook & { readonly id: string }>(hook: H, input: HookInput<H>, options?: HookOptions): Promise<HookOutput<H>[]>;
  collect(id: string, input?: unknown, options?: HookOptions): Promise<unknown[]>;
  /** The first answer that isn't undefined. */
  first<H extends Hook & { readonly id: string }>(hook: H, input: HookInput<H>, options?: HookOptions): Promise<HookOutput<H> | undefined>;
  first(id: string, input?: unknown, options?: HookOptions): Promise<unknown>;
  /** The value passed through all handlers, each taking what the one before it gave. */
  waterfall<H extends Hook & { readonly id: string }>(hook: H, input: HookInput<H>, options?: HookOptions): Promise<HookOutput<H>>;
  waterfall(id: string, input?: unknown, options?: HookOptions): Promise<unknown>;
  /** What became of each handler: its answer, or its error. */
  parallel<H extends Hook & { readonly id: string }>(hook: H, input: HookInput<H>, options?: HookOptions): Promise<readonly HookOutcome<HookOutput<H>>[]>;
  parallel(id: string, input?: unknown, options?: HookOptions): Promise<readonly HookOutcome[]>;
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

/** Goes on with the call, with another input when one is given. May be called once. */
export type Next = (input?: unknown) => Promise<unknown>;

/** Wraps a command or an event: answers itself, or goes on and changes input or output. */
export type Middleware = (call: MiddlewareCall, next: Next) => unknown;

/** What a middleware is called, and where it stands among those around the same command or event. */
export interface MiddlewareOptions {
  /** What others call it: by itself for the host's, after `<plugin id>:` for a plugin's. The host's are called `host` when absent, a plugin's by its id. */
  readonly name?: string;
  /** Which ones stand inside of it, by name, or all of a plugin's by its id. Those that aren't there don't matter. */
  readonly before?: string | readonly string[];
  /** Which ones stand around it. */
  readonly after?: string | readonly string[];
}

/** Registers middleware; the target is `command:<id>` or `event:<topic>`, whose end may be `*`. */
export interface PluginMiddleware {
  /**
   * Without `before` and `after` the host's stand outermost, then each plugin's in the order of discovery.
   *
   * @example
   * ctx.middleware.use('command:com.example.notes:*', log, { name: 'log', before: 'com.example.auth' });
   */
  use(target: string, middleware: Middleware, options?: MiddlewareOptions): Registered;
}

/** What the application has given this plugin alone: keys, tokens, passwords. */
export interface PluginSecrets {
  /**
   * A secret by its name; undefined when there is none. Ask for it where it is used rather than keep it: the application may replace it.
   *
   * @throws PluginPermissionError `permission/denied` without `secrets.read` for the name, PluginUnavailableError `secret/locked`.
   */
  get(name: string): Promise<string | undefined>;
}

/** Key-value storage in the plugin's own namespace: survives restarts, bound by its quota. */
export interface PluginStorage {
  get(key: string): Promise<unknown>;
  /** @throws PluginOverloadedError `storage/quota` when the value doesn't fit; nothing is written then. */
  set(key: string, value: unknown): Promise<void>;
  /** Whether there was something to delete. */
  delete(key: string): Promise<boolean>;
  has(key: string): Promise<boolean>;
  /** Keys in lexical order, those that start with a prefix when one is given. */
  keys(prefix?: string): Promise<string[]>;
  clear(): Promise<void>;
  /**
   * Replaces a value by what `change` makes of it, atomically: no concurrent change is lost. `change` runs in the
   * plugin and may run again when somebody else was faster.
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

/** Messages to plugins by their id, and to whoever handles them best. */
export interface PluginMessaging {
  /**
   * Sends a message to a plugin; the answer is what its handler makes of it.
   *
   * @throws PluginPermissionError `permission/denied` (`messaging.send`), PluginUnavailableError `message/no-handler`.
   */
  send(plugin: string, message: unknown, options?: CallOptions): Promise<unknown>;
  /** Gives a message to the surest of all `MessageHandler`s (`@plinth/sdk/contracts`); needs `messaging.send` for `*`. */
  route(message: unknown, options?: CallOptions): Promise<unknown>;
  /** Takes the messages that are sent to this plugin. One handler a plugin. */
  on(handler: LooseHandler): Registered;
}

/** Clients and handlers of contracts by themselves: for contracts that `needs` doesn't list. */
export interface PluginServices {
  /** As {@link PluginContext.provide}. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /** A typed client; each call needs the permission to execute it. */
  get<C extends AnyContract>(contract: C): Client<C>;
}

/** Asks the kernel what this plugin may do. The answer informs; enforcement happens at each use. */
export interface PluginPermissions {
  has(permission: PermissionName, scope?: string): Promise<boolean>;
  /**
   * Asks the application for a right that policy leaves open; answers whether the plugin has it now. Nobody may be there to decide: the answer
   * is no then.
   *
   * @param options why it is needed, in a sentence for people; for how many milliseconds, for good when absent.
   * @throws PluginValidationError `permission/invalid`.
   */
  request(permission: PermissionName, scope?: string, options?: { readonly why?: string; readonly for?: number }): Promise<boolean>;
}

/** Files of the machine, by absolute paths that `fs.read` and `fs.write` name; only in Node. */
export interface PluginFiles {
  /** At most 16 MiB. */
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  /** Replaces the file as a whole, or makes it; its folder has to be there. */
  write(path: string, data: string | ArrayBuffer | ArrayBufferView): Promise<void>;
  /** Names in a folder, sorted. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined when there is nothing. Sizes are bytes, times milliseconds since the epoch. */
  stat(path: string): Promise<{ readonly kind: 'file' | 'folder' | 'other'; readonly size: number; readonly modified: number } | undefined>;
  /** Answers whether there was a file. */
  remove(path: string): Promise<boolean>;
}

/** What `ctx.fetch` may be told. */
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

/** What `ctx.fetch` answers: the answer as a whole, at most 16 MiB. */
export interface FetchResponse {
  /** Where it came from in the end. */
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly statusText: string;
  /** Whether the status is one of success. */
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

/** What `activate` receives. Everything registered through it belongs to the plugin's scope and ends with it. */
export interface PluginContext<N = Record<never, never>, Config = Record<string, unknown>> {
  readonly plugin: { readonly id: string; readonly version: string; readonly manifest: Manifest };
  /** `tenant-0` unless the kernel has tenants. */
  readonly tenant: string;
  /** Aborts when the plugin stops. */
  readonly signal: AbortSignal;
  /** The settings as they are now: frozen, parsed by the plugin's own schema. A change is another object; `configure` is told of it. */
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
  /**
   * Files. A link leads nowhere that isn't allowed, too.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `fs/invalid`, PluginError `fs/failed`, also where there are no files.
   */
  readonly fs: PluginFiles;
  /** Variables of the application's environment that `env.read` names; only in Node. */
  readonly env: {
    /** @throws PluginPermissionError `permission/denied`. */
    get(name: string): Promise<string | undefined>;
  };
  /**
   * Fetches a URL by way of the host: only what the permission `network.fetch` names, also after redirects, without cookies.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `network/invalid`, PluginNetworkError `network/failed`,
   * PluginTimeoutError `call/timeout`, PluginOverloadedError `network/too-large`.
   * @example
   * const { rates } = await (await ctx.fetch('https://api.example.com/rates')).json();
   */
  fetch(url: string | URL, options?: FetchOptions): Promise<FetchResponse>;
  readonly logger: PluginLogger;
  readonly permissions: PluginPermissions;
  /** Answers every command and hook of a contract. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /** Makes a disposable end with the plugin, in reverse order of registration; returns it. */
  own<D extends Disposable | { dispose(): unknown }>(disposable: D): D;
  /** Runs a function when the plugin stops. */
  defer(undo: () => unknown): void;
}
