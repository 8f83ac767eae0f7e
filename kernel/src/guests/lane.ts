/** A direct lane between two guests. */
import type { Alarm } from '@plinth/sdk/contract';
import type { LaneEnd, Traffic } from '../calls/lane-end.js';
import type { CommandEntry } from '../commands/command-entry.js';

/** An open lane. */
export interface Lane {
  readonly number: number;
  readonly caller: LaneEnd;
  /** The plugin that calls. */
  readonly from: string;
  readonly provider: LaneEnd;
  readonly traffic: Traffic;
  readonly commands: readonly CommandEntry[];
  /** Closes it, once it drains. */
  late: Alarm | undefined;
  readonly onClose: (() => void)[];
}

/** A closed lane, as far as its last report needs it. It doesn't keep the guest that has called. */
export type ClosedLane = Pick<Lane, 'provider' | 'commands' | 'from'>;
