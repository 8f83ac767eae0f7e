/**
 * What each side of a link may ask of the other. The control plane (Comlink) carries {@link GuestApi} and
 * {@link HostApi}; everything that happens often is a hot frame with a number: an {@link Op} towards the kernel, a
 * registration's handle towards the guest.
 */
import type { Baggage, EventOrigin } from './call-context.js';
import type { Overflow } from './contract.js';
import type { Manifest } from './manifest.js';
import type { DeclaredCallPolicy } from './policy.js';
import type { WireError } from './wire-error.js';

/** Raised when frames or methods change in a way that older guests can't speak. */
export const PROTOCOL_VERSION = 1;

/** First message of a guest: `[READY, PROTOCOL_VERSION]`, posted once it can be spoken to. */
export const READY = 'plinth:ready';

/** First message to a guest that has to wait for its plugin: it may prepare meanwhile. */
export const REHEARSE = 'plinth:rehearse';

/** The answer of a control method: errors are data, because Comlink drops their codes. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: WireError };

/** Who a guest is and what it runs. Identity comes from here, never from the guest. */
export interface LoadSpec {
  readonly manifest: Manifest;
  readonly tenant: string;
  /** What request ids of this kernel begin with; a call's number follows. */
  readonly requests: string;
  /** The plugin's bundle: one ES module as text. */
  readonly code: string;
  /** Timers that the plugin may have waiting at once. */
  readonly timers?: number;
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
  /** @param late whether the plugin's own hook didn't end in time: what it owns is released without it. */
  deactivate(late?: boolean): Promise<void>;
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
  readonly reentrant?: boolean;
  /** What keeps a command working, from the contract. */
  readonly policy?: DeclaredCallPolicy;
  readonly contract?: string;
  /** What happens to events that the listener is too slow for. */
  readonly overflow?: Overflow;
  /** Most events that wait for the listener. */
  readonly queue?: number;
  /** Name of a middleware and its place among others. */
  readonly place?: { readonly name?: string; readonly before?: string | readonly string[]; readonly after?: string | readonly string[] };
}

/** Control methods of the kernel, for guests. */
export interface HostApi {
  register(registration: Registration): Promise<void>;
  unregister(handle: number): Promise<void>;
}

/**
 * Hot requests of a guest to the kernel. The frame's target is {@link targetOf} the operation and the name it is about:
 * names that are sent often have numbers on their link. A name without one stands in `meta` where a text is listed last.
 */
export const Op = {
  /**
   * name: command; input; meta: nothing, the sequence of the call it belongs to, or [timeout in ms or 0, that sequence or 0, command].
   * Here and below, what belongs to an event has the number of the event's cause, below 0, in place of a sequence.
   */
  execute: 1,
  /** name: topic; payload; meta: nothing, or [sequence of the call it belongs to or 0, topic] */
  emit: 2,
  /** name: hook; input; meta: [mode, timeout in ms or 0, sequence of the call it belongs to or 0, 1 when it is strict, hook] */
  hook: 3,
  /** value; meta: [verb, key, revision] */
  storage: 4,
  /** fields, one way; meta: [level, message] */
  log: 5,
  /** changed input; meta: [sequence of the middleware step, 1 when the input was changed] */
  next: 6,
  /** lists commands */
  commands: 7,
  /** meta: [permission, scope] */
  permission: 8,
  /** one way: an error nobody caught; the guest can't go on. meta: [error record] */
  fatal: 9,
  /** one way: calls that a guest has answered over a direct lane. meta: [lane, handle, calls, failures, total ms, slowest ms] */
  laneCalls: 10,
  /** answered once all that went to a lane's provider before has arrived there. meta: [lane] */
  laneFence: 11,
  /** one way: a lane is of no use any more. meta: [lane, why] */
  laneOver: 12,
  /** message; meta: [plugin it is sent to, or nothing to have it routed; timeout in ms or 0; sequence of the call it belongs to or 0] */
  message: 13,
  /** meta: [name] */
  secret: 14,
  /** meta: [permission, scope, why or nothing, ms or 0] */
  request: 15,
  /** { url, method, headers, body }; meta: [timeout in ms or 0, sequence of the call it belongs to or 0] */
  fetch: 16,
  /** bytes to write or nothing; meta: [verb, path] */
  fs: 17,
  /** meta: [name] */
  env: 18,
} as const;

/** The target of a request that is answered at once: what came before it has been taken. */
export const FENCE = 0;

/**
 * What the kernel says about a direct lane: a channel between two guests for calls of one to commands of the other. The
 * port comes with the first message on each side. A lane that drains takes no new calls; one that closes ends those that
 * are on it.
 */
export type LaneMessage =
  | {
      readonly kind: 'call';
      /** Plugin id of the provider. */
      readonly provider: string;
      /** What may be called over it, and the time each may take, in milliseconds; 0 leaves it to the caller. */
      readonly commands: readonly (readonly [id: string, handle: number, timeout: number])[];
    }
  | { readonly kind: 'serve' /** As {@link callerText}. */; readonly caller: string; readonly handles: readonly number[] }
  | { readonly kind: 'drain' }
  /** Another tenant of a shared guest; the port is its pipe. */
  | { readonly kind: 'join' }
  | { readonly kind: 'close'; readonly error: WireError };

/** The target of a request about a name. */
export const targetOf = (op: number, name: number): number => name * 32 + op;
/** The operation of a target. */
export const opOf = (target: number): number => target % 32;
/** The number of a target's name. */
export const nameOfTarget = (target: number): number => Math.floor(target / 32);

/** Two names or a number and a name as one number, as calls and events carry them. */
export const pairOf = (high: number, name: number): number => high * 4_096 + name;
/** The first of a pair. */
export const highOf = (pair: number): number => Math.floor(pair / 4_096);
/** The second of a pair. */
export const nameIn = (pair: number): number => pair % 4_096;

/** What a storage request does. */
export type StorageVerb = 'get' | 'set' | 'delete' | 'has' | 'keys' | 'clear' | 'swap' | 'read';

/** How a hook's answers are put together. */
export type HookMode = 'collect' | 'first' | 'waterfall' | 'parallel';

/** Severity of a log entry, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Every level, least severe first; the wire carries the index. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Facts of a call on the wire. A plain call is a pair: its number, and the name of its caller (0: the host). What says
 * more is a list: [number, caller (empty: the host), user, remaining ms, traceparent, baggage, and for middleware the id
 * of the command or event and the number of the step]. Deadlines travel as remaining time, because two clocks never agree.
 */
export type CallMeta =
  | number
  | readonly [
      number: number,
      caller: string,
      user: string | undefined,
      remaining: number,
      traceparent: string | undefined,
      baggage: Baggage | undefined,
      subject: string | undefined,
      step?: number,
      /** How many calls over lanes it is made for. */
      depth?: number,
    ];

/**
 * Facts of an event: a pair of the names of its topic and source, or both as texts, followed by what it was emitted for
 * when that is known, and by the number under which the kernel knows that: calls of its listeners refer to it.
 */
export type EventMeta = number | readonly [topic: string, source: string, origin?: EventOrigin, cause?: number];

/** Numbers of calls over lanes begin here: they are told apart from each other and from the kernel's own. */
export const LANE_NUMBERS = 2 ** 40;

/** A plugin as a caller, as its name goes over a link. */
export const callerText = (caller: { readonly kind: string; readonly id: string; readonly version?: string }): string =>
  caller.kind === 'host' ? '' : `${caller.id}@${caller.version}`;

/** The request id of a call's number. */
export const requestIdOf = (prefix: string, number: number): string => `${prefix}-${number.toString(36)}`;
