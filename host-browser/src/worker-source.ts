/** Text of `plugin-worker.js`; the build replaces this file's output with the real text. */
export const source: string = '';
