/** One end of a direct lane, as the rest of the kernel sees it. */
import type { Caller } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { PermissionSet } from '../permissions/broker.js';

/** How often one guest calls another. */
export interface Traffic {
  /** Calls since {@link since}. */
  calls: number;
  /** Milliseconds of the monotonic clock. */
  since: number;
  /** Whether the pair has a lane, or may not have one any more. */
  settled: boolean;
}

/** A guest that may get a lane. */
export interface LaneEnd {
  readonly caller: Caller;
  readonly link: Link;
  readonly permissions: PermissionSet;
  /** Whether ports can be sent to it. */
  readonly ports: boolean;
  /** How many calls of its commands may be in progress at once. Unlimited when undefined. */
  readonly concurrency: number | undefined;
  /** The guests that it calls. */
  readonly traffic: WeakMap<LaneEnd, Traffic>;
}

/** The place where a command is answered. */
export interface LaneTarget {
  readonly end: LaneEnd;
  readonly handle: number;
}
