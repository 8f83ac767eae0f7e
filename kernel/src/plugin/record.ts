/**
 * `PluginRecord`: what the kernel knows of one plugin. It is a union discriminated by `state`. Each
 * later state extends the earlier one, so a function that takes an active plugin can't receive one
 * that is only resolved. Records are replaced, never changed.
 */
import type { Manifest, Permissions, Scope, Statics } from '@plinth/sdk/contract';
import type { GuestConnection } from '../guests/guest-connection.js';
import type { GuestRegistrations } from '../guests/registrations.js';
import type { PluginPackage } from '../host.js';
import type { Stage } from '../stage.js';

/** A source has found it. Only its origin is known. */
export interface DiscoveredPlugin {
  readonly state: 'discovered';
  /**
   * Its key in the registry: `id@version` once the manifest is known, a name derived from its
   * origin before.
   */
  readonly key: string;
  /** The manifest's id once it is known, the origin before. */
  readonly id: string;
  readonly origin: string;
  readonly package: PluginPackage;
}

/** Its manifest is valid and fits this kernel and runtime. */
export interface ValidatedPlugin extends Omit<DiscoveredPlugin, 'state'> {
  readonly state: 'validated';
  readonly version: string;
  readonly manifest: Manifest;
}

/** Its manifest is valid, but policy denies it. This is no failure, and nothing starts. */
export interface DeniedPlugin extends Omit<ValidatedPlugin, 'state'> {
  readonly state: 'denied';
  /** The decision that refuses it. */
  readonly error: Error;
}

/** All of its dependencies are installed. */
export interface ResolvedPlugin extends Omit<ValidatedPlugin, 'state'> {
  readonly state: 'resolved';
  /** Keys of the plugins that must be active before it. */
  readonly dependencies: readonly string[];
  /** The longest chain of dependencies below it. Plugins of one level may start together. */
  readonly level: number;
  /** Its rights: manifest ∩ policy. */
  readonly grants: Permissions;
}

/** How long each phase of a start took, in milliseconds. */
export interface StartPhases {
  /** Reading the code, where it was not read already. */
  readonly read: number;
  /** Checking signature, owner and extensions' rules. */
  readonly verify: number;
  /** Launching the guest. */
  readonly spawn: number;
  /** Evaluating the code in the guest. */
  readonly import: number;
  /** Handing over the settings. */
  readonly configure?: number;
  /** Restoring the state, and `activate()`. */
  readonly activate?: number;
}

/** Its guest runs and its code has been evaluated. */
export interface LoadedPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'loaded';
  /** How long its start took so far. */
  readonly phases: StartPhases;
  /** Owns everything the plugin adds to the kernel. */
  readonly scope: Scope;
  readonly connection: GuestConnection;
  readonly statics: Statics;
}

/** It has received its configuration. */
export interface InitializedPlugin extends Omit<LoadedPlugin, 'state'> {
  readonly state: 'initialized';
  readonly config: Readonly<Record<string, unknown>>;
  /** The revision of its settings. Settings may change while the plugin starts. */
  readonly configRevision: number;
  /** Whether it asked for a restart because of settings that changed since. */
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

/** Paused, guest kept. Calls queue; with an unknown duration they are rejected. */
export interface SuspendedPlugin extends Omit<ActivePlugin, 'state'> {
  readonly state: 'suspended';
  /** Paused by request, because a required dependency is gone, or because it was over a limit. */
  readonly reason: 'request' | 'dependency' | 'limit';
}

/** Paused without a guest, because it was idle. The next call or event wakes it with its state. */
export interface AsleepPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'suspended';
  /**
   * `idle`: it had nothing to do, and wakes by itself. `request`: it was suspended by request while
   * asleep.
   */
  readonly reason: 'idle' | 'request';
  readonly activatedBy: string;
  readonly since: number;
  readonly statics: Statics;
  /** Its registrations, kept for its next guest. */
  readonly registrations: GuestRegistrations;
}

/** Was active and has stopped normally. It may be activated again. */
export interface UnloadedPlugin extends Omit<ResolvedPlugin, 'state'> {
  readonly state: 'unloaded';
}

/** Failed. `previous` is the record before the failure, without a guest. */
export interface FailedPlugin {
  readonly state: 'failed';
  readonly key: string;
  readonly id: string;
  readonly origin: string;
  readonly package: PluginPackage;
  readonly stage: Stage;
  readonly error: Error;
  readonly previous: DiscoveredPlugin | ValidatedPlugin | ResolvedPlugin;
  /** Whether a source may still find what it lacks. It isn't reported until none may. */
  readonly isEarly?: true;
}

/** A plugin with a guest. */
export type RunningPlugin = LoadedPlugin | InitializedPlugin | ActivePlugin | SuspendedPlugin;

/** Everything a plugin can be. */
export type PluginRecord =
  | DiscoveredPlugin
  | ValidatedPlugin
  | DeniedPlugin
  | ResolvedPlugin
  | RunningPlugin
  | AsleepPlugin
  | UnloadedPlugin
  | FailedPlugin;

export type { PluginState } from './state.js';

/** Whether a plugin has a guest. */
export function isRunning(record: PluginRecord): record is RunningPlugin {
  return 'connection' in record;
}

/** Whether a plugin is asleep, without a guest. */
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

/** A record as resolved, without its guest. Stopped and failed plugins return to this state. */
export function asResolved(
  record: Exclude<PluginRecord, DiscoveredPlugin | ValidatedPlugin | DeniedPlugin | FailedPlugin>,
): ResolvedPlugin {
  const {
    key,
    id,
    origin,
    package: found,
    version,
    manifest,
    dependencies,
    level,
    grants,
  } = record;
  return {
    state: 'resolved',
    key,
    id,
    origin,
    package: found,
    version,
    manifest,
    dependencies,
    level,
    grants,
  };
}

/** A record as validated. Its dependencies are resolved again. */
export function asValidated(
  record: Exclude<PluginRecord, DiscoveredPlugin | DeniedPlugin | FailedPlugin>,
): ValidatedPlugin {
  const { key, id, origin, package: found, version, manifest } = record;
  return { state: 'validated', key, id, origin, package: found, version, manifest };
}
