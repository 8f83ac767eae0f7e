/** How parts tell what happens: to the log, to the counts, and as events of the kernel. */
import type { KernelEvents } from '../events/kernel-events.js';
import type { Log } from './logger.js';
import type { Metrics } from './metrics.js';

/** Emits one of the kernel's own events. */
export type Announce = <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;

/** What almost every part tells through. */
export interface Reporting {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly announce: Announce;
}
