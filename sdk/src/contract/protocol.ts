/**
 * What each side of a link may ask of the other. The control plane (Comlink) carries
 * {@link GuestApi} and {@link HostApi}. Frequent operations are hot frames with a number: an
 * {@link Op} towards the kernel, a registration's handle towards the guest.
 */
import type { Baggage, EventOrigin } from './call-context.js';
import type { Overflow } from './contract.js';
import type { Manifest } from './manifest-schema.js';
import type { DeclaredCallPolicy } from './policy.js';
import type { WireError } from './wire-error.js';

/** Raised when frames or methods change in a way that older guests don't understand. */
export const PROTOCOL_VERSION = 1;

/** First message of a guest: `[READY, PROTOCOL_VERSION]`, posted once it can receive messages. */
export const READY = 'plinth:ready';

/** First message to a guest that has no plugin yet: it may warm up meanwhile. */
export const REHEARSE = 'plinth:rehearse';

/** The result of a control method. Errors are data, because Comlink drops their codes. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

/** A guest's identity and what it runs. Identity comes from here, never from the guest. */
export interface LoadSpec {
  readonly manifest: Manifest;
  readonly tenant: string;
  /** Prefix of this kernel's request ids; a call's number follows. */
  readonly requests: string;
  /** The plugin's bundle: one ES module as text. */
  readonly code: string;
  /** Timers that the plugin may have pending at once. */
  readonly timers?: number;
  /** Whether it may use WebAssembly, if its isolation has it. */
  readonly wasm?: boolean;
  /** How large a value may be: approximate bytes, and levels of nesting. */
  readonly values?: readonly [bytes: number, depth: number];
}

/** What a plugin's code declares about itself, to compare with its manifest. */
export interface Statics {
  readonly provides: readonly string[];
  readonly needs: readonly {
    readonly name: string;
    readonly contract: string;
    readonly optional: boolean;
  }[];
  readonly hooks: readonly LifecycleHook[];
}

/** Optional members of a plugin that the kernel may call. */
export type LifecycleHook =
  | 'configure'
  | 'deactivate'
  | 'suspend'
  | 'resume'
  | 'getState'
  | 'restoreState'
  | 'healthCheck';

/**
 * Why a plugin stops: requested (`request`), disabled or uninstalled, replaced by another guest
 * (`replace`: a reload, an update, a rollback), hibernated after idling (`idle`), missing what it
 * depends on (`dependency`), or the kernel stops (`stop`).
 */
export type StopReason =
  | 'request'
  | 'disable'
  | 'uninstall'
  | 'replace'
  | 'idle'
  | 'dependency'
  | 'stop';

/** A plugin's report of its own health. */
export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly details?: unknown;
}

/** Control methods of a guest, in the order in which they are called. */
export interface GuestApi {
  load(spec: LoadSpec): Promise<Statics>;
  /** Parses the merged configuration with the plugin's schema and passes it to the plugin. */
  configure(config: unknown): Promise<'restart' | undefined>;
  /** Names of the needs that have a provider now. */
  needs(names: readonly string[]): Promise<void>;
  restoreState(state: unknown, fromVersion: string): Promise<void>;
  /** Settles after the plugin's own `activate` and every registration made in it. */
  activate(): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  healthCheck(): Promise<HealthReport>;
  getState(): Promise<unknown>;
  /**
   * @param late whether the plugin's own hook missed its time limit: its scope is released without
   * it.
   */
  deactivate(reason: StopReason, late?: boolean): Promise<void>;
}

/** What a guest can add to the kernel. */
export type RegistrationKind = 'command' | 'event' | 'hook' | 'middleware';

/** One registration. Its handle is the guest's own number for the function behind it. */
export interface Registration {
  readonly handle: number;
  readonly kind: RegistrationKind;
  /** Wire id of a command or hook, pattern of an event, target of a middleware. */
  readonly name: string;
  /** Milliseconds a call may take, from the contract. */
  readonly timeout?: number;
  readonly idempotent?: boolean;
  readonly reentrant?: boolean;
  /** The command's policy, from the contract. */
  readonly policy?: DeclaredCallPolicy;
  readonly contract?: string;
  /** What happens to events when the listener is too slow. */
  readonly overflow?: Overflow;
  /** Most events queued for the listener. */
  readonly queue?: number;
  /** Name of a middleware and its position among others. */
  readonly place?: {
    readonly name?: string;
    readonly before?: string | readonly string[];
    readonly after?: string | readonly string[];
  };
}

/** Control methods of the kernel, for guests. */
export interface HostApi {
  register(registration: Registration): Promise<void>;
  unregister(handle: number): Promise<void>;
}

/**
 * Hot requests of a guest to the kernel. The frame's target is {@link targetOf} the operation and
 * the name it is about: names that are sent often have numbers on their link. A name without a
 * number is the last text in `meta`, where listed below.
 */
export const Op = {
  /**
   * name: command; input; meta: nothing, the sequence of the parent call, or [timeout in ms or 0,
   * that sequence or 0, command]. Here and below, work for an event has the (negative) number of
   * the event's cause in place of a sequence; work on the plugin's own behalf has
   * {@link OWN_BEHALF}.
   */
  execute: 1,
  /** name: topic; payload; meta: nothing, or [sequence of the parent call or 0, topic] */
  emit: 2,
  /**
   * name: hook; input; meta: [mode, timeout in ms or 0, sequence of the parent call or 0, 1 when it
   * is strict, hook]
   */
  hook: 3,
  /** value; meta: [verb, key, revision] */
  storage: 4,
  /** fields, one way; meta: [level, message, 1 when the plugin's console wrote it] */
  log: 5,
  /** changed input; meta: [sequence of the middleware step, 1 when the input was changed] */
  next: 6,
  /** lists commands */
  commands: 7,
  /** meta: [permission, scope] */
  permission: 8,
  /**
   * one way: an uncaught error; the guest can't continue. meta: [error record, 1 when it is a
   * promise rejection]
   */
  fatal: 9,
  /**
   * one way: calls that a guest has answered over a direct lane. meta: [lane, handle, calls,
   * failures, total ms, slowest ms]
   */
  laneCalls: 10,
  /** answered once everything sent to a lane's provider before has arrived there. meta: [lane] */
  laneFence: 11,
  /** one way: a lane is no longer usable. meta: [lane, why] */
  laneOver: 12,
  /**
   * message; meta: [receiving plugin, or nothing to route it; timeout in ms or 0; sequence of the
   * parent call or 0]
   */
  message: 13,
  /** meta: [name] */
  secret: 14,
  /** meta: [permission, scope, why or nothing, ms or Infinity] */
  request: 15,
  /**
   * { url, method, headers, body }; meta: [timeout in ms or 0, sequence of the parent call or 0]
   */
  fetch: 16,
  /** bytes to write or nothing; meta: [verb, path] */
  fs: 17,
  /** meta: [name] */
  env: 18,
  /** one way: the listener of an event has finished. meta: [number of the event's cause] */
  causeOver: 19,
} as const;

/** In place of a sequence: the plugin acts on its own behalf. No cause has this number. */
export const OWN_BEHALF: number = -(2 ** 52);

/** The target of a request that is answered at once, after everything sent before it was taken. */
export const FENCE = 0;

/**
 * What the kernel says about a direct lane: a channel between two guests, for calls from one to
 * commands of the other. The port comes with the first message on each side. A draining lane takes
 * no new calls; a closing one ends the calls on it.
 */
export type LaneMessage =
  | {
      readonly kind: 'call';
      /** Plugin id of the provider. */
      readonly provider: string;
      /**
       * What may be called over it, and the time for each, in milliseconds; 0 leaves it to the
       * caller.
       */
      readonly commands: readonly (readonly [id: string, handle: number, timeout: number])[];
    }
  | {
      readonly kind: 'serve' /** See {@link callerText}. */;
      readonly caller: string;
      readonly handles: readonly number[];
    }
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

/** Two names, or a number and a name, as one number. Calls and events carry them in this form. */
export const pairOf = (high: number, name: number): number => high * 4_096 + name;
/** The first of a pair. */
export const highOf = (pair: number): number => Math.floor(pair / 4_096);
/** The second of a pair. */
export const nameIn = (pair: number): number => pair % 4_096;

/** What a storage request does. */
export type StorageVerb = 'get' | 'set' | 'delete' | 'has' | 'keys' | 'clear' | 'swap' | 'read';

/** How a hook's answers are combined. */
export type HookMode = 'collect' | 'first' | 'waterfall' | 'parallel';

/** Severity of a log entry, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Every level, least severe first; the wire carries the index. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Facts of a call on the wire. A plain call is a pair: its number, and the name of its caller (0:
 * the host). A call with more facts is a list: [number, caller (empty: the host), user, remaining
 * ms, traceparent, baggage, and for middleware the id of the command or event and the number of the
 * step]. Deadlines travel as remaining time, because two clocks never agree.
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
      /** How many lane calls this one is nested in. */
      depth?: number,
    ];

/**
 * Facts of an event: the names of its topic and source as a pair, or both as texts. The texts are
 * followed by what it was emitted for, when known, and by the kernel's number for that: calls of
 * its listeners refer to the number.
 */
export type EventMeta =
  | number
  | readonly [topic: string, source: string, origin?: EventOrigin, cause?: number];

/** Calls over lanes are numbered from here. The range keeps them distinct from the kernel's own. */
export const LANE_NUMBERS = 2 ** 40;

/** A calling plugin as text, as links carry it. */
export const callerText = (caller: {
  readonly kind: string;
  readonly id: string;
  readonly version?: string;
}): string =>
  caller.kind === 'host'
    ? ''
    : caller.kind === 'remote'
      ? `${REMOTE}${caller.id}`
      : `${caller.id}@${caller.version}`;

/** What the text of a remote caller begins with: no plugin's id has a space. */
export const REMOTE = 'remote ';

/** The request id of a call's number. */
export const requestIdOf = (prefix: string, number: number): string =>
  `${prefix}-${number.toString(36)}`;
