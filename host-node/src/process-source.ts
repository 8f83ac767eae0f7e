/**
 * Texts that a guest process is started from. The build replaces this file's output with the real
 * ones.
 */

/** Hardened JavaScript. */
export const hardened: string = '';
/** What the process runs first: `plinthProcess`. */
export const boot: string = '';
/** The guest runtime: an expression. */
export const runtime: string = '';
