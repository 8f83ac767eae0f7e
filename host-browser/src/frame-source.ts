/** Texts that a walled guest is started from; the build replaces this file's output with the real ones. */

/** Hardened JavaScript. */
export const hardened: string = '';
/** What runs in the frame's worker before anything else: `plinthFrame`. */
export const boot: string = '';
/** The guest runtime: an expression. */
export const runtime: string = '';
