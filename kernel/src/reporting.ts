/** How parts tell what happens: to the log, to the counts, and as events of the kernel. */
import type { KernelEvents } from './kernel-events.js';
import type { Log } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';

/** Emits one of the kernel's own events. */
export type Announce = <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;

/** What almost every part tells through. */
export interface Reporting {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly announce: Announce;
}
