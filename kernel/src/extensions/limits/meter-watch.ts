/** What meters need of the watch over all of them, and what that needs of the kernel. */
import type { PluginError } from '@plinth/sdk/contract';
import type { MeteredGuest } from '../../guests/guest-meter.js';
import type { Announce } from '../../reporting.js';
import type { Log } from '../../telemetry/logger.js';
import type { Limited, ResourcePolicy } from './resource-policy.js';

/** What the watch needs of the kernel. */
export interface ResourceWatchParts {
  readonly policy: ResourcePolicy | undefined;
  readonly log: Log;
  readonly announce: Announce;
  /** Suspends a running plugin, by its guest. Calls meanwhile fail with `blame`. */
  suspend(guest: MeteredGuest, blame: () => PluginError): Promise<void>;
  /** Resumes it, if it is still suspended for that reason. */
  resume(guest: MeteredGuest): Promise<void>;
}

/** Milliseconds between two looks. */
export const TICK = 1_000;
/** What a meter needs of the watch over all meters of a tenant. */
export interface MeterWatch {
  readonly parts: ResourceWatchParts;
  readonly tenant: Limited;
  readonly patience: number;
  readonly pause: number;
  readonly pauses: number;
  /** When the current second began, in milliseconds of the monotonic clock. */
  readonly since: number;
  /** Milliseconds by which the last look was late. */
  readonly late: number;
  /** Messages of all plugins in this second. */
  messages: number;
  /** Open requests of all plugins. */
  readonly calls: number;
}
