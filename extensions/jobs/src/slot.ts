/** What a kernel knows of a task without reading it, and when the task is due. */
import type { KeptTask } from './kept.js';
import { isHeld } from './lease.js';

/** What is known of a task. The storage decides: another kernel may have changed it. */
export interface Slot {
  readonly id: string;
  readonly bytes: number;
  /** Not before this time. */
  due: number;
  /** Milliseconds that were left when that was found out. It waits no longer when the clock is set back. */
  wait: number;
  /** The time that is kept. Another one was decided by another kernel. */
  kept: number;
  dead: boolean;
  /** It is being written for the first time, or it is being handled here. */
  busy: boolean;
}

/** What a slot has of a task as it is kept. A time from a clock that was ahead counts from now on. */
export function factsOf(
  { due, pushed, wait = due - pushed, claim, dead }: KeptTask,
  now: number,
): Pick<Slot, 'dead' | 'due' | 'kept' | 'wait'> {
  const free = isHeld(claim, now) ? claim.until : 0;
  const at = Math.max(Math.min(due, now + wait), free);
  return { due: at, wait: at - now, kept: due, dead: dead !== undefined };
}

/** When a task is due, by the clock as it is now. */
export function dueOf(slot: Slot, now: number): number {
  slot.due = Math.min(slot.due, now + slot.wait);
  return slot.due;
}
