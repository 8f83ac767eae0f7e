/** Who runs something: the claim of one kernel, which ends by itself when that kernel is gone. */
import type { JobsPort } from './port.js';

/** A claim on a run, as it is kept. */
export interface Claim {
  /** The kernel that has begun the run. */
  readonly by: string;
  /** Milliseconds since the epoch. After that the run counts as interrupted. */
  readonly until: number;
}

/** Milliseconds that no claim lasts. One that is later was made while the clock was wrong. */
const LONGEST = 86_400_000;

/** Whether a run is still some kernel's. */
export const isHeld = (claim: Claim | undefined, now: number): claim is Claim =>
  claim !== undefined && claim.until > now && claim.until - now < LONGEST;

/**
 * Extends a claim while a run goes on.
 *
 * @param renew resolves to false when the claim has gone to another kernel. The run is then ended by
 * `lost`.
 */
export function keepClaim(
  port: Pick<JobsPort, 'after' | 'log'>,
  lease: number,
  renew: () => Promise<boolean>,
  lost: () => void,
): { dispose(): void } {
  let over = false;
  let timer: { dispose(): void } | undefined;
  const wait = () => {
    timer = port.after(lease / 3, async () => {
      try {
        if (!(await renew()) && !over) lost();
      } catch (error) {
        // The next try may succeed before the claim is over.
        port.log.warn('a claim could not be extended', { error: (error as Error).message });
      }
      if (!over) wait();
    });
  };
  wait();
  return {
    dispose() {
      over = true;
      timer?.dispose();
    },
  };
}
