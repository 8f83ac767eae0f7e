/**
 * What each side of a link may ask of the other. The control plane (Comlink) carries
 * {@link GuestApi} and {@link HostApi}. Frequent operations are hot frames with a number: an `Op`
 * towards the kernel (`operations.ts`), a registration's handle towards the guest.
 */
import type { Overflow } from './contract.js';
import type { Manifest } from './manifest-schema.js';
import type { DeclaredCallPolicy } from './policy.js';
import type { WireError } from './wire-error.js';

/** Raised when frames or methods change in a way that older guests don't understand. */
export const PROTOCOL_VERSION = 1;

/** First message of a guest: `[READY, PROTOCOL_VERSION]`, posted once it can receive messages. */
export const READY = 'plinth:ready';

/** First message to a guest that has no plugin yet: it may warm up meanwhile. */
export const WARM_UP = 'plinth:warm-up';

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
  /**
   * Whether the code was wrapped by a recorder. Its default export is then a function that takes
   * what is told of readings of clocks and randomness, and answers the plugin.
   */
  readonly taped?: boolean;
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
