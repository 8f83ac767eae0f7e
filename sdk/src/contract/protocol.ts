/**
 * What each side of a link may ask of the other. The control plane (Comlink) carries {@link GuestApi} and
 * {@link HostApi}; everything that happens often is a hot frame with a number: an {@link Op} towards the kernel, a
 * registration's handle towards the guest.
 */
import type { Manifest } from './manifest.js';
import type { WireError } from './wire-error.js';

/** Raised when frames or methods change in a way that older guests can't speak. */
export const PROTOCOL_VERSION = 1;

/** First message of a guest: `[READY, PROTOCOL_VERSION]`, posted once it can be spoken to. */
export const READY = 'plinth:ready';

/** The answer of a control method: errors are data, because Comlink drops their codes. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: WireError };

/** Who a guest is and what it runs. Identity comes from here, never from the guest. */
export interface LoadSpec {
  readonly manifest: Manifest;
  readonly tenant: string;
  /** The plugin's bundle: one ES module as text. */
  readonly code: string;
}

/** What a plugin's code says of itself, compared with its manifest. */
export interface Statics {
  readonly provides: readonly string[];
  readonly needs: readonly { readonly name: string; readonly contract: string; readonly optional: boolean }[];
  readonly hooks: readonly LifecycleHook[];
}

/** Optional members of a plugin that the kernel may call. */
export type LifecycleHook = 'configure' | 'deactivate' | 'suspend' | 'resume' | 'getState' | 'restoreState' | 'healthCheck';

/** What a plugin says of its own health. */
export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly details?: unknown;
}

/** Control methods of a guest, in the order in which a life calls them. */
export interface GuestApi {
  load(spec: LoadSpec): Promise<Statics>;
  /** Parses the merged configuration with the plugin's schema and hands it over. */
  configure(config: unknown): Promise<'restart' | undefined>;
  /** Names of the needs that somebody provides now. */
  needs(names: readonly string[]): Promise<void>;
  restoreState(state: unknown, fromVersion: string): Promise<void>;
  /** Settles after the plugin's own `activate` and every registration made in it. */
  activate(): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  healthCheck(): Promise<HealthReport>;
  getState(): Promise<unknown>;
  deactivate(): Promise<void>;
}

/** What a guest can add to the kernel. */
export type RegistrationKind = 'command' | 'event' | 'hook' | 'middleware';

/** One registration; its handle is the guest's own number for the function behind it. */
export interface Registration {
  readonly handle: number;
  readonly kind: RegistrationKind;
  /** Wire id of a command or hook, pattern of an event, target of a middleware. */
  readonly name: string;
  /** Milliseconds a call may take, from the contract. */
  readonly timeout?: number;
  readonly idempotent?: boolean;
  readonly contract?: string;
}

/** Control methods of the kernel, for guests. */
export interface HostApi {
  register(registration: Registration): Promise<void>;
  unregister(handle: number): Promise<void>;
}

/** Hot requests of a guest to the kernel; the number is the frame's target. */
export const Op = {
  /** input; meta: [command id, timeout in ms or 0, sequence of the call it belongs to or 0] */
  execute: 1,
  /** payload; meta: [topic] */
  emit: 2,
  /** input; meta: [hook id, mode, timeout in ms or 0] */
  hook: 3,
  /** value; meta: [verb, key, revision] */
  storage: 4,
  /** fields, one way; meta: [level, message] */
  log: 5,
  /** changed input; meta: [sequence of the middleware step, 1 when the input was changed] */
  next: 6,
  /** meta: [pattern]; lists commands */
  commands: 7,
  /** meta: [permission, scope] */
  permission: 8,
  /** one way: an error nobody caught; the guest can't go on */
  fatal: 9,
} as const;

/** What a storage request does. */
export type StorageVerb = 'get' | 'set' | 'delete' | 'has' | 'keys' | 'clear' | 'swap' | 'read';

/** How a hook's answers are put together. */
export type HookMode = 'collect' | 'first' | 'waterfall';

/** Severity of a log entry, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Every level, least severe first; the wire carries the index. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Facts of a call on the wire: [request id, caller kind, caller id, caller version, user, remaining ms, traceparent,
 * id of the command or event (middleware only)]. Absent for a plain call of the host: the receiver then derives them.
 * Deadlines travel as remaining time, because two clocks never agree.
 */
export type CallMeta = readonly [
  requestId: string,
  callerKind: 'host' | 'plugin',
  callerId: string,
  callerVersion: string | undefined,
  user: string | undefined,
  remaining: number,
  traceparent: string | undefined,
  subject: string | undefined,
];
