/**
 * Texts that a walled guest is started from. The build replaces this file's output with the real
 * ones.
 */

/** Hardened JavaScript. */
export const hardened: string = '';
/** What the frame's worker runs first: `plinthFrame`. */
export const boot: string = '';
/** The guest runtime: an expression. */
export const runtime: string = '';
