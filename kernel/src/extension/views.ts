/** The core as an extension sees it. Only the methods can change anything. */
import type { Caller, Isolation, Manifest } from '@plinth/sdk/contract';
import type { PluginPackage, ResourceUsage } from '../host.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { StartPhases } from '../plugin/record.js';
import type { PluginState } from '../plugin/state.js';

/** A registration. It ends automatically when the tenant has stopped. */
export interface Registered extends Disposable {
  dispose(): void;
}

/**
 * The current state of one version of a plugin. The object stays the same for as long as the plugin
 * is installed. A `WeakMap` may therefore hold an extension's data about it.
 */
export interface PluginView {
  /** `id@version`, or a name derived from its origin while its manifest can't be read. */
  readonly key: string;
  readonly id: string;
  readonly version: string | undefined;
  /** `undefined` once the plugin is gone. */
  readonly state: PluginState | undefined;
  /** Why it is suspended, while it is. */
  readonly reason: 'request' | 'dependency' | 'limit' | 'idle' | undefined;
  readonly enabled: boolean;
  /** Calls and events that wait until it runs. */
  readonly waiting: number;
  /** How long each phase of its last start took, in milliseconds and in order, while it runs. */
  readonly phases: Partial<StartPhases> | undefined;
  readonly manifest: Manifest | undefined;
  readonly package: PluginPackage | undefined;
  /** How far it is trusted, if that is decided. */
  readonly trust: TrustLevel | undefined;
}

/** A running guest. */
export interface GuestView {
  readonly plugin: PluginView;
  /** Whether it has its own thread. */
  readonly isolated: boolean;
  /** Requests that it has sent. */
  readonly requests: number;
  /** Whether calls from or to it are in progress. */
  readonly busy: boolean;
  /** Calls that wait for its answer. */
  readonly pending: number;
  /** Bytes in its storage. 0 until its first write, for which they are counted. */
  readonly stored: number;
  usage(): Promise<ResourceUsage | undefined>;
  /** Resolves to true when its event loop answers within so many milliseconds. */
  alive(milliseconds: number): Promise<boolean>;
  /** Ends it at once. Calls in flight fail with the error. */
  end(error: Error): void;
}

/** The target of a call. */
export interface TargetView {
  readonly kind: 'command' | 'hook' | 'event';
  readonly id: string;
  /** Plugin id, or `host`. For an event, the owner of its name. */
  readonly owner: string;
}

/** One middleware around a call. */
export interface MiddlewareView {
  /** As errors name it: its owner, with the name that it was registered with, if any. */
  readonly name: string;
  /** Plugin id, or `host`. */
  readonly owner: string;
}

/** A call in progress. */
export interface CallView {
  readonly target: TargetView;
  readonly caller: Caller;
  /**
   * What answers: a plugin id, or `host`. It is certain once the call has ended, as a plugin that
   * has to be started is known only then. For an event, the owner of its name.
   */
  readonly provider: string;
  /** Whether it is made for another call, which is still in progress. */
  readonly nested: boolean;
  readonly user: string | undefined;
  readonly tenant: string;
  readonly requestId: string;
  /** Milliseconds left. */
  readonly remaining: number;
  readonly signal: AbortSignal;
  /** Passed to the handler. An interceptor that is outside may set it. */
  traceparent: string | undefined;
  /** The one that is observed, for an observer at the place `middleware`. */
  readonly middleware: MiddlewareView | undefined;
  /** Runs once, when the call has ended for any reason. Its errors are logged. */
  onEnd(task: () => unknown): void;
}

/** How a call ended. */
export interface Outcome {
  readonly ok: boolean;
  /** The answer, or the error. */
  readonly value: unknown;
  /** Milliseconds. */
  readonly took: number;
}

/** A package that is checked. */
export interface Candidate {
  readonly manifest: Manifest;
  readonly package: PluginPackage;
}

/** A guest that is about to be launched. */
export interface LaunchView {
  readonly plugin: PluginView;
  readonly isolation: Isolation;
}

export type { Gate, ViewedGuest } from '../guests/gate.js';
