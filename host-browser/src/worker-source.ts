/** Text of `plugin-worker.js`. The build replaces this file's output with the real text. */
export const source: string = '';
