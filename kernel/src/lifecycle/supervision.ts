/** What restarts plugins, as the lifecycle sees it. Plugins are named by their registry keys. */
import type { GuestConnection } from '../guests/guest-connection.js';
import type { Plugin } from '../plugin/plugin.js';

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
  quarantine(key: string): object | undefined;
}
