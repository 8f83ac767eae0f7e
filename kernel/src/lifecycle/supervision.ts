/** What decides about restarts, as the lifecycle sees it. It writes them into a plugin's intent. */
import type { GuestConnection } from '../guests/guest-connection.js';
import type { Plugin } from '../plugin/plugin.js';

/** A restart that has failed. */
export interface FailedRestart {
  readonly error: unknown;
  /** Whether the plugin itself is the cause. A read, launch or storage failure is no crash. */
  readonly own: boolean;
}

/** Decides when a plugin whose guest has ended comes back. */
export interface Supervision {
  /** A plugin has become active. */
  started(plugin: Plugin, version: string, connection: GuestConnection): void;
  /** A start by name begins: crashes are forgotten, and a pending restart waits for its outcome. */
  steered(plugin: Plugin): void;
  /** It has succeeded, and takes the place of the restart. */
  steeredWell(plugin: Plugin): void;
  /** It has failed. A restart that was pending is tried again. */
  steeredInVain(plugin: Plugin): void;
  /** A plugin is stopped or replaced. Everything about it is dropped. */
  stopped(plugin: Plugin): void;
  /** A plugin has gone to sleep. Its crashes still count. */
  slept(plugin: Plugin): void;
  /** A guest has ended unexpectedly. The answer is called once that has been told. */
  crashed(plugin: Plugin): (() => void) | undefined;
  /** A restart that was due has succeeded. */
  restarted(plugin: Plugin): void;
  /** A restart that was due has failed. Without a failure there is nothing to start any more. */
  notRestarted(plugin: Plugin, failure?: FailedRestart): void;
  /** The tenant stops: nothing is restarted any more. */
  close(): void;
}

/** Without supervision a plugin whose guest has ended stays failed until it is started by name. */
export const NO_SUPERVISION: Supervision = {
  started: () => {},
  steered: () => {},
  steeredWell: () => {},
  steeredInVain: () => {},
  stopped: () => {},
  slept: () => {},
  crashed: () => undefined,
  restarted: () => {},
  notRestarted: () => {},
  close: () => {},
};
