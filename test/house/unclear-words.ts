/** The words that no text of the repository has, in code, messages, comments or pages. */

/** A plain sentence names what acts: a plugin, a caller, the kernel. */
export const UNCLEAR_WORDS: readonly string[] = [
  'anybody',
  'everybody',
  'nobody',
  'somebody',
  'whoever',
  'whom',
  'anew',
  'for want of',
  'of late',
];
