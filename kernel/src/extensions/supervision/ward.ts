/** What the supervisor is given, and what it knows about a plugin. */
import type { Alarm } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { KernelEvents } from '../../kernel-events.js';
import type { Quarantine } from '../../lifecycle/supervision.js';
import type { Snapshot } from '../../plugin/snapshot.js';
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
  /** Restarts a failed plugin. Rejects when the start fails. */
  restart(key: string): Promise<void>;
  /** Whether the plugin caused a failed restart. A read, launch or store failure is no crash. */
  isToBlame(key: string, error: unknown): boolean;
  /** The plugin will not be restarted automatically for now. */
  givenUp(): void;
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

/** A plugin, as the supervisor sees it. */
export interface SupervisedPlugin {
  readonly record: { readonly key: string; readonly id: string };
  /** The state that its next guest begins with. */
  saved: Snapshot | undefined;
}

/** What the supervisor knows about one plugin. */
export interface Ward {
  /** Times of its crashes that still count, in milliseconds of the monotonic clock. */
  crashes: number[];
  /** Consecutive restarts that failed through no fault of the plugin. They are retried. */
  misses: number;
  quarantine: Quarantine | undefined;
  /** The restart that is pending or in progress. */
  comeback: Comeback | undefined;
  stopWatching: (() => void) | undefined;
  snapshots: Alarm | undefined;
  /** Whether its restart waits only for missing dependencies. */
  waits: boolean;
}

interface Comeback {
  alarm: Alarm | undefined;
  due: number | undefined;
  readonly over: Promise<void>;
  end(): void;
}

/** A restart that is planned now. */
export function newComeback(): Comeback {
  let end!: () => void;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { alarm: undefined, due: undefined, over, end };
}
