/**
 * `PluginRecord`: what the kernel knows of one plugin. A union discriminated by `state`; each later state extends the
 * earlier one, so a function that takes an active plugin can't be handed one that is only resolved. Records are
 * replaced, never changed.
 */
import type { Manifest, Permissions, Scope, Statics } from '@plinth/sdk/contract';
import type { GuestConnection } from './guests/guest-connection.js';
import type { GuestRegistrations } from './guests/registrations.js';
import type { PluginPackage } from './host.js';
import type { Snapshot } from './lifecycle/snapshot.js';
import type { Stage } from './lifecycle/stage.js';

/** Found by a source; nothing is known but where. */
export interface DiscoveredPlugin {
  readonly state: 'discovered';
  /** Where the registry keeps it: `id@version` once the manifest is known, a name after its origin before. */
  readonly key: string;
  /** The manifest's id once it is known, the origin before. */
  readonly id: string;
  readonly origin: string;
  readonly package: PluginPackage;
}

/** Its manifest is sound and fits this kernel and runtime. */
export interface ValidatedPlugin extends Omit<DiscoveredPlugin, 'state'> {
  readonly state: 'validated';
  readonly version: string;
  readonly manifest: Manifest;
}

/** Everything it needs is here. */
export interface ResolvedPlugin extends Omit<ValidatedPlugin, 'state'> {
  readonly state: 'resolved';
  /** Keys of the plugins that must be active before it. */
  readonly dependencies: readonly string[];
  /** Longest chain of dependencies below it: plugins of one level may start together. */
  readonly level: number;
  /** What it may do: manifest ∩ policy. */
  readonly grants: Permissions;
}

/** Its guest runs and its code has been evaluated. */
export interface LoadedPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'loaded';
  /** Owns everything the plugin adds to the kernel. */
  readonly scope: Scope;
  readonly connection: GuestConnection;
  readonly statics: Statics;
}

/** It has its configuration. */
export interface InitializedPlugin extends Omit<LoadedPlugin, 'state'> {
  readonly state: 'initialized';
  readonly config: Readonly<Record<string, unknown>>;
  /** Which state of its settings that is: they may change while it starts. */
  readonly configRevision: number;
  /** Whether it has asked to be restarted for what has changed since. */
  readonly restart: boolean;
}

/** It is operational. */
export interface ActivePlugin extends Omit<InitializedPlugin, 'state'> {
  readonly state: 'active';
  /** The activation event. */
  readonly activatedBy: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Paused with its guest: what it is asked meanwhile waits, or is refused when nobody knows for how long. */
export interface SuspendedPlugin extends Omit<ActivePlugin, 'state'> {
  readonly state: 'suspended';
  /** By request, because something that it can't do without has gone, or because it was over a limit. */
  readonly reason: 'request' | 'dependency' | 'limit';
}

/** Paused without a guest: it had nothing to do. The next call or event wakes it, with its state. */
export interface AsleepPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'suspended';
  /** Had nothing to do, and wakes by itself; or was suspended by request in its sleep. */
  readonly reason: 'idle' | 'request';
  readonly activatedBy: string;
  readonly since: number;
  readonly statics: Statics;
  readonly snapshot: Snapshot | undefined;
  /** What it has registered, kept for its next guest. */
  readonly registrations: GuestRegistrations;
}

/** Was active and has ended in order; may be activated again. */
export interface UnloadedPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'unloaded';
}

/** Failed; `previous` is what it was before, without a guest. */
export interface FailedPlugin {
  readonly state: 'failed';
  readonly key: string;
  readonly id: string;
  readonly origin: string;
  readonly package: PluginPackage;
  readonly stage: Stage;
  readonly error: Error;
  readonly previous: DiscoveredPlugin | ValidatedPlugin | ResolvedPlugin;
}

/** A plugin with a guest. */
export type RunningPlugin = LoadedPlugin | InitializedPlugin | ActivePlugin | SuspendedPlugin;

/** Everything a plugin can be. */
export type PluginRecord = DiscoveredPlugin | ValidatedPlugin | ResolvedPlugin | RunningPlugin | AsleepPlugin | UnloadedPlugin | FailedPlugin;

/** The name of a state. */
export type PluginState = PluginRecord['state'];

/** Whether a plugin has a guest. */
export function isRunning(record: PluginRecord): record is RunningPlugin {
  return 'connection' in record;
}

/** Whether a plugin sleeps, without a guest. */
export function isAsleep(record: PluginRecord): record is AsleepPlugin {
  return record.state === 'suspended' && !('connection' in record);
}

/** The version, as soon as it is known. */
export function versionOf(record: PluginRecord): string | undefined {
  return manifestOf(record)?.version;
}

/** The manifest, as soon as there is one. */
export function manifestOf(record: PluginRecord): Manifest | undefined {
  if (record.state === 'failed') return manifestOf(record.previous);
  return record.state === 'discovered' ? undefined : record.manifest;
}

/** A record as resolved, its guest forgotten: what a stopped or failed plugin goes back to. */
export function asResolved(record: Exclude<PluginRecord, DiscoveredPlugin | ValidatedPlugin | FailedPlugin>): ResolvedPlugin {
  const { key, id, origin, package: found, version, manifest, dependencies, level, grants } = record;
  return { state: 'resolved', key, id, origin, package: found, version, manifest, dependencies, level, grants };
}

/** A record as validated: what it needs is found anew. */
export function asValidated(record: Exclude<PluginRecord, DiscoveredPlugin | FailedPlugin>): ValidatedPlugin {
  const { key, id, origin, package: found, version, manifest } = record;
  return { state: 'validated', key, id, origin, package: found, version, manifest };
}
