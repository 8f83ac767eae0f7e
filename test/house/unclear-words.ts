/**
 * How many unclear words the comments of each file of the kernel may still have. A count may only
 * be lowered, and no other file may be listed.
 */
export const UNCLEAR_WORDS: Readonly<Record<string, number>> = {};
