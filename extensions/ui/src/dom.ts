/**
 * `@plinth/ui/dom`: shows views of plugins in a page.
 *
 * @module
 */
export { PlinthView } from './dom-element.js';
export { type MountOptions, mountView } from './mount-view.js';
export { stylesheet } from './stylesheet.js';
export type { ViewKernel } from './view-kernel.js';
export type { ShownView, ViewOptions, ViewState } from './view-options.js';
