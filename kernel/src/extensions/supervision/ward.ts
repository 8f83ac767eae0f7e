/** What the supervisor is given, and what it knows about a plugin. */
import type { Alarm } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { KernelEvents } from '../../kernel-events.js';
import type { Plugin } from '../../plugin/plugin.js';
import type { Log } from '../../telemetry/logger.js';
import type { Supervision } from './options.js';

/** What a supervisor needs of the kernel. */
export interface SupervisorParts {
  readonly options: Supervision;
  readonly log: Log;
  /** Milliseconds a hook of a plugin may take. */
  readonly hookTimeout: number;
  /** Whether a debugger may hold guests at a breakpoint. */
  debugged(): boolean;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /** The intent of a plugin has changed. All of them are looked at without one. */
  reconsider(plugin?: Plugin): void;
}

/** A running guest, as the supervisor sees it. */
export interface SupervisedGuest {
  readonly link: Link;
  /** Whether it has its own thread. A guest in this thread is never silent alone. */
  readonly isolated: boolean;
  has(hook: 'getState'): boolean;
  ask(method: 'getState', timeout: number): Promise<unknown>;
  endBecause(error: Error): void;
}

/** What the supervisor knows about one plugin. What follows from it stands in its intent. */
export interface Ward {
  /** Times of its crashes that still count, in milliseconds of the monotonic clock. */
  crashes: number[];
  /** Consecutive restarts that failed through no fault of the plugin. They are retried. */
  misses: number;
  /** Goes off when its restart is due. */
  backoff: Alarm | undefined;
  stopWatching: (() => void) | undefined;
  snapshots: Alarm | undefined;
}
