/** The catalogue of the kernel's events. The order of the keys follows the life of a plugin. */
import type { PermissionName, ReservedSegment, StopReason } from '@plinth/sdk/contract';
import type { Stage } from './stage.js';
import type { LogEntry } from './telemetry/logger.js';

/**
 * The manifest doesn't ask for it, policy or an extension doesn't allow it, or it was revoked while
 * the kernel ran.
 */
export type DenialReason = 'manifest' | 'policy' | 'revoked' | 'extension';

/** Resources that are measured over time. */
export type Resource = 'memory' | 'cpu' | 'messages' | 'calls' | 'logs';
/** The steps against a plugin that exceeds a limit. */
export type LimitStep = 'warned' | 'throttled' | 'suspended' | 'ended';

interface PluginFact {
  readonly id: string;
  readonly version?: string;
}

/** A decision about a plugin. `by` is the plugin that decided, and absent for the application. */
interface Decision extends PluginFact {
  readonly by?: string;
}

/** Topics of the kernel's own events and their payloads. */
export interface KernelEvents {
  'plugin:discovered': PluginFact & { readonly origin: string };
  'plugin:installed': Decision & { readonly origin: string };
  'plugin:validated': PluginFact;
  /** The application's policy denies a plugin. */
  'plugin:denied': PluginFact & { readonly message: string };
  'plugin:resolved': PluginFact;
  'plugin:loaded': PluginFact;
  'plugin:initialized': PluginFact;
  /**
   * `took` is in milliseconds from launch to active. `capabilities` are the contracts, commands and
   * hooks that the plugin answers.
   */
  'plugin:activated': PluginFact & {
    readonly activatedBy: string;
    readonly took: number;
    readonly capabilities: readonly string[];
  };
  'plugin:suspended': PluginFact;
  'plugin:resumed': PluginFact;
  'plugin:deactivated': PluginFact & { readonly reason: StopReason };
  'plugin:unloaded': PluginFact;
  'plugin:reloaded': PluginFact;
  /** `purged` says that its kept data was deleted. */
  'plugin:uninstalled': Decision & { readonly purged?: boolean };
  'plugin:enabled': Decision;
  'plugin:disabled': Decision;
  /**
   * An id belongs to another publisher or origin now, with all data kept under it. The application
   * has agreed.
   */
  'plugin:transferred': { readonly id: string; readonly from?: string; readonly to: string };
  'plugin:updated': Decision & { readonly from: string };
  /** An older version was restored. `from` is the version that it replaces. */
  'plugin:rolled-back': PluginFact & { readonly from: string; readonly reason: string };
  /** A later version answers a share of the calls beside the version `from`. */
  'plugin:canary-started': Decision & { readonly from: string; readonly share: number };
  /** It has taken the place of the version `from`, by request or by the rule. */
  'plugin:canary-promoted': PluginFact & { readonly from: string; readonly reason: string };
  /** It has ended, and the version `from` answers all calls. */
  'plugin:canary-rolled-back': PluginFact & { readonly from: string; readonly reason: string };
  /** A plugin (`plugin`) has changed another (`target`), or was refused. */
  'plugin:managed': {
    readonly plugin: string;
    readonly action: 'enable' | 'disable' | 'install' | 'uninstall' | 'configure';
    readonly target: string;
    readonly ok: boolean;
    readonly code?: string;
    readonly message?: string;
  };
  /** `stack` is that of what was thrown, in the plugin's sources where they are known. */
  'plugin:failed': PluginFact & {
    readonly stage: Stage;
    readonly code: string;
    readonly message: string;
    readonly stack?: string;
  };
  /**
   * `command` is the one whose handler has thrown, where that is known, and `during` are those that
   * were in progress. `stack` is as in `plugin:failed`.
   */
  'plugin:crashed': PluginFact & {
    readonly reason: string;
    readonly code: string;
    readonly message: string;
    readonly command?: string;
    readonly during?: readonly string[];
    readonly stack?: string;
  };
  /**
   * A handler or listener of a plugin has held the thread of its guest for more than 50 ms: until it
   * returned or awaited. Several calls of it in one message may count together. `took` is in
   * milliseconds, as the guest says. `name` is a wire id, or a topic.
   */
  'plugin:long-task': PluginFact & {
    readonly took: number;
    readonly kind: 'command' | 'event' | 'hook' | 'middleware';
    readonly name: string;
  };
  /** A sleeping plugin could not be started for a call or event. It stays asleep. */
  'plugin:wake-failed': PluginFact & { readonly code: string; readonly message: string };
  /**
   * A plugin runs again after its guest ended unexpectedly. `attempt` counts its recent crashes.
   */
  'plugin:restarted': PluginFact & { readonly attempt: number };
  /**
   * A plugin crashed too often and isn't restarted until it is activated by name. `within` is in
   * milliseconds.
   */
  'plugin:quarantined': PluginFact & { readonly crashes: number; readonly within: number };
  'need:changed': PluginFact & { readonly available: readonly string[] };
  /** `for` is in milliseconds. `asked` says that the plugin requested it. */
  'permission:granted': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
    readonly for?: number;
    readonly asked?: boolean;
  };
  /** `asked` says that the expired right was granted on the plugin's request. */
  'permission:revoked': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
    readonly asked?: boolean;
  };
  /** The application forgot a refusal: the plugin may ask for the right again. */
  'permission:forgotten': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
  };
  /** An extension has changed the rights of a plugin, or of all. */
  'permission:changed': { readonly extension: string; readonly plugin?: string };
  /**
   * An untrusted plugin uses a right for the first time since it started or since its rights
   * changed.
   */
  'permission:used': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
  };
  /** `reason`: see {@link DenialReason}. */
  'permission:denied': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
    readonly reason?: DenialReason;
  };
  /** A plugin requested more than it has. `granted` is the answer. */
  'permission:requested': {
    readonly plugin: string;
    readonly permission: PermissionName;
    readonly scope: string;
    readonly granted: boolean;
  };
  /** The signature of a package was checked. `code` names the step that refused it. */
  'signature:checked': {
    readonly plugin: string;
    readonly version: string;
    readonly ok: boolean;
    readonly keyId?: string;
    readonly code?: string;
  };
  /**
   * A settings source has changed to values that a plugin can't take. The previous settings stay.
   */
  'config:rejected': { readonly plugin: string; readonly layer: string; readonly message: string };
  'config:changed': {
    readonly plugin: string;
    readonly layer: string;
    readonly keys: readonly string[];
  };
  /** The circuit breaker of a command has opened, half-opened or closed. */
  'call:circuit-changed': {
    readonly command: string;
    /** Each provider of an open contract has a breaker of its own. */
    readonly plugin: string;
    readonly state: 'closed' | 'open' | 'half-open';
  };
  /** A deprecated version was called. Emitted once for each caller and command. */
  'call:deprecated': {
    readonly command: string;
    readonly version: string;
    readonly caller: string;
    readonly message: string;
  };
  /**
   * A call or event skips an optional middleware whose plugin can't answer. Emitted once for each
   * until the plugin is back.
   */
  'middleware:skipped': {
    readonly plugin: string;
    readonly target: string;
    readonly state: string;
  };
  'call:settled': {
    readonly command: string;
    readonly caller: string;
    readonly requestId: string;
    readonly ok: boolean /** Milliseconds. */;
    readonly took: number;
    readonly code?: string;
  };
  /**
   * A listener in a guest is too slow. `dropped` counts since it subscribed. Emitted once per
   * burst, at its end or after one second.
   */
  'event:dropped': {
    readonly plugin: string;
    readonly pattern: string;
    readonly overflow: string;
    readonly dropped: number;
  };
  /**
   * A plugin is near or over a limit, and what was done. Emitted once for each step. `of` says
   * whose limit it is.
   */
  'resource:limited': {
    readonly plugin: string;
    readonly resource: Resource;
    readonly step: LimitStep;
    readonly used: number;
    readonly limit: number;
    readonly of: 'plugin' | 'tenant';
  };
  'wire:refused': { readonly plugin: string; readonly reason: string; readonly count: number };
  /** Two plugins that call each other often have got a direct lane. */
  'lane:opened': { readonly caller: string; readonly provider: string };
  'lane:closed': { readonly caller: string; readonly provider: string; readonly reason: string };
  /**
   * Not delivered to listeners of `*`; a listener has to name it. A plugin does not receive its own
   * entries.
   */
  'log:written': LogEntry;
  'kernel:started': { readonly plugins: number; readonly active: number; readonly failed: number };
  'kernel:stopped': Record<never, never>;
}

/** The name of a kernel event. */
export type KernelTopic = keyof KernelEvents;

type SegmentOf<T> = T extends `${infer S}:${string}` ? S : never;
type None<T extends never> = T;
/**
 * A topic whose first segment isn't reserved doesn't compile. Otherwise plugins could emit under
 * the kernel's name.
 */
export type UnreservedSegment = None<Exclude<SegmentOf<KernelTopic>, ReservedSegment>>;
