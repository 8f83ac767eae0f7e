/** The catalogue of what can happen; its keys in order tell the story. */
import type { PermissionName } from '@plinth/sdk/contract';
import type { Stage } from '../lifecycle/stage.js';
import type { LimitStep, Resource } from '../supervision/resource-policy.js';
import type { LogEntry } from '../telemetry/logger.js';

interface PluginFact {
  readonly id: string;
  readonly version?: string;
}

/** Topics of the kernel's own events and their payloads. */
export interface KernelEvents {
  'plugin:discovered': PluginFact & { readonly origin: string };
  'plugin:installed': PluginFact & { readonly origin: string };
  'plugin:validated': PluginFact;
  'plugin:resolved': PluginFact;
  'plugin:loaded': PluginFact;
  'plugin:initialized': PluginFact;
  'plugin:activated': PluginFact & { readonly activatedBy: string /** Milliseconds from launch to active. */; readonly took: number };
  'plugin:suspended': PluginFact;
  'plugin:resumed': PluginFact;
  'plugin:deactivated': PluginFact;
  'plugin:unloaded': PluginFact;
  'plugin:reloaded': PluginFact;
  'plugin:uninstalled': PluginFact;
  'plugin:enabled': PluginFact;
  'plugin:disabled': PluginFact;
  'plugin:updated': PluginFact & { readonly from: string };
  /** An older version came back; `from` is the one that went. */
  'plugin:rolled-back': PluginFact & { readonly from: string; readonly reason: string };
  'plugin:failed': PluginFact & { readonly stage: Stage; readonly code: string; readonly message: string };
  'plugin:crashed': PluginFact & { readonly reason: string; readonly code: string; readonly message: string };
  /** A plugin that slept could not be started for what has come for it; it sleeps on. */
  'plugin:wake-failed': PluginFact & { readonly code: string; readonly message: string };
  /** A guest that had ended by itself runs again; `attempt` counts its crashes of late. */
  'plugin:restarted': PluginFact & { readonly attempt: number };
  /** A plugin crashed too often and isn't started again until it is activated by name. `within` is in milliseconds. */
  'plugin:quarantined': PluginFact & { readonly crashes: number; readonly within: number };
  'need:changed': PluginFact & { readonly available: readonly string[] };
  /** `for` is in milliseconds. */
  'permission:granted': { readonly plugin: string; readonly permission: PermissionName; readonly scope: string; readonly for?: number };
  'permission:revoked': { readonly plugin: string; readonly permission: PermissionName; readonly scope: string };
  /** An untrusted plugin uses a right for the first time since it was started, or since its rights have changed. */
  'permission:used': { readonly plugin: string; readonly permission: PermissionName; readonly scope: string };
  'permission:denied': { readonly plugin: string; readonly permission: PermissionName; readonly scope: string };
  /** A plugin has asked for more than it has; `granted` is what it was told. */
  'permission:requested': { readonly plugin: string; readonly permission: PermissionName; readonly scope: string; readonly granted: boolean };
  /** The signature of a package was looked at; `code` names the step that refused it. */
  'signature:checked': { readonly plugin: string; readonly version: string; readonly ok: boolean; readonly keyId?: string; readonly code?: string };
  /** A source of settings has changed to something that a plugin can't take: what was there stays. */
  'config:rejected': { readonly plugin: string; readonly layer: string; readonly message: string };
  'config:changed': { readonly plugin: string; readonly layer: string; readonly keys: readonly string[] };
  /** A command that failed too often isn't called any more, is tried, or works again. */
  'call:circuit-changed': { readonly command: string; readonly state: 'closed' | 'open' | 'half-open' };
  /** A version that should not be used any more was called; told once for each caller and command. */
  'call:deprecated': { readonly command: string; readonly version: string; readonly caller: string; readonly message: string };
  'call:settled': {
    readonly command: string;
    readonly caller: string;
    readonly requestId: string;
    readonly ok: boolean /** Milliseconds. */;
    readonly took: number;
    readonly code?: string;
  };
  /** A listener in a guest is too slow; `dropped` counts since it subscribed. Told at the first drop and at each doubling. */
  'event:dropped': { readonly plugin: string; readonly pattern: string; readonly overflow: string; readonly dropped: number };
  /** A plugin is near a limit or beyond it, and what was done; told once for each step. `of` says whose limit it is. */
  'resource:limited': {
    readonly plugin: string;
    readonly resource: Resource;
    readonly step: LimitStep;
    readonly used: number;
    readonly limit: number;
    readonly of: 'plugin' | 'tenant';
  };
  'wire:refused': { readonly plugin: string; readonly reason: string; readonly count: number };
  /** Two plugins that call each other often have got a channel of their own. */
  'lane:opened': { readonly caller: string; readonly provider: string };
  'lane:closed': { readonly caller: string; readonly provider: string; readonly reason: string };
  'log:written': LogEntry;
  'kernel:started': { readonly plugins: number; readonly active: number; readonly failed: number };
  'kernel:stopped': Record<never, never>;
}

/** The name of a kernel event. */
export type KernelTopic = keyof KernelEvents;
