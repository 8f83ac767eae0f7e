/** Links, which lead out of the application. */
import type { Shape } from './shape.js';

/** A link without its words. */
export const linkTo = (href: string | undefined): Shape => ({
  tag: 'a',
  attributes: {
    'data-plinth': 'link',
    href,
    rel: 'noopener noreferrer nofollow',
    target: '_blank',
  },
});
