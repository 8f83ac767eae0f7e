/** Texts that a guest process is started from; the build replaces this file's output with the real ones. */

/** Hardened JavaScript. */
export const hardened: string = '';
/** What runs in the process before anything else: `plinthProcess`. */
export const boot: string = '';
/** The guest runtime: an expression. */
export const runtime: string = '';
