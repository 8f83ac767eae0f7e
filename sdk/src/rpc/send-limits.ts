/** How much a side may send before the other has taken it. Both sides rely on these numbers. */
import { createSharedError, type PluginError } from '../contract/errors.js';

/** Counted frames that may be sent without having been taken. */
export const WINDOW = 1_024;
/** Frames, notes to listeners excluded, that may wait for credit before a call fails at once. */
export const MAX_WAITING = 8_192;
/**
 * Notes that may wait for all listeners together: each has its own queue, and a guest may have
 * thousands.
 */
export const MAX_NOTES = 262_144;
/** A message with this many slots is posted before the turn ends. */
export const MAX_SLOTS = 4_096;
/** Slots of the largest frame. */
export const MAX_FRAME = 256;

/** The error for a sender when too many frames wait. @param peer the other side's plugin. */
export const overloaded = (peer: string | undefined): PluginError =>
  createSharedError(
    'call/overloaded',
    `too many messages wait for ${peer ?? 'the kernel'}: ${MAX_WAITING}`,
    { plugin: peer },
  );
