/** How a replay went. */

/** The first difference between a recording and what a build does. */
export interface Divergence {
  /** Which entry of the recording, from 1 on; readings of clocks don't count. */
  readonly step: number;
  /**
   * `differs`: the values differ. `missing`: it did not come in time. `extra`: the recording has no
   * such thing here. `ended`: the guest has ended.
   */
  readonly kind: 'differs' | 'missing' | 'extra' | 'ended';
  /** What was recorded there, in words: `answer to command com.example.notes:add`. */
  readonly what: string;
  /** What was recorded, and what came. Undefined where there is nothing. */
  readonly expected: unknown;
  readonly actual: unknown;
}

/** How a replay went. */
export interface ReplayResult {
  readonly ok: boolean;
  /** Entries that were played or compared. */
  readonly steps: number;
  readonly divergence?: Divergence;
}
