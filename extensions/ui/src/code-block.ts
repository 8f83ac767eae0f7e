/** Code in lines of its own. */
import type { Shape } from './shape.js';

/** A block of code. What scrolls can be reached by keys. */
export const codeBlock = (name: string, code: Shape): Shape => ({
  tag: 'pre',
  attributes: { 'data-plinth': 'code', tabindex: '0', role: 'group', 'aria-label': name },
  inside: [code],
});
