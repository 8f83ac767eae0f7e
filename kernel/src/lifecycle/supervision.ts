/** What restarts plugins, as the lifecycle sees it. Plugins are named by their registry keys. */
import type { GuestConnection } from '../guests/guest-connection.js';
import type { Plugin } from '../plugin/plugin.js';

/** Why a plugin isn't restarted. */
export interface Quarantine {
  readonly crashes: number;
  /** Milliseconds. */
  readonly within: number;
}

/** A restart that is pending or in progress. */
export interface PlannedRestart {
  /** When it is due, in milliseconds since the epoch. Undefined while it is in progress. */
  readonly due: number | undefined;
  /** The number of the attempt since the plugin last ran. */
  readonly attempt: number;
}

/** Decides when a plugin whose guest has ended comes back. */
export interface Supervision {
  /** A plugin has become active. */
  started(plugin: Plugin, version: string, connection: GuestConnection): void;
  /** A plugin is started by name: a pending restart is dropped, and its crashes are forgotten. */
  steered(key: string): void;
  /** A start by name has failed while a restart was pending. */
  steeredInVain(key: string): void;
  /** A plugin is stopped or replaced. Everything about it is dropped. */
  stopped(key: string): void;
  /** A plugin has gone to sleep. Its crashes still count. */
  slept(key: string): void;
  /** A guest has ended unexpectedly. The answer is called once that has been told. */
  crashed(key: string): (() => void) | undefined;
  /** Settles when a pending restart succeeds or is given up. Undefined when none is pending. */
  comeback(key: string): Promise<void> | undefined;
  /** Whether a plugin's restart waits only for missing dependencies. */
  waits(key: string): boolean;
  /** Why a plugin isn't restarted. */
  quarantine(key: string): Quarantine | undefined;
  /** The restart that is pending or in progress. */
  planned(key: string): PlannedRestart | undefined;
  /** The tenant stops: nothing is restarted any more. */
  close(): void;
}

/** Without supervision a plugin whose guest has ended stays failed until it is started by name. */
export const NO_SUPERVISION: Supervision = {
  started: () => {},
  steered: () => {},
  steeredInVain: () => {},
  stopped: () => {},
  slept: () => {},
  crashed: () => undefined,
  comeback: () => undefined,
  waits: () => false,
  quarantine: () => undefined,
  planned: () => undefined,
  close: () => {},
};
