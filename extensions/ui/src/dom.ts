/**
 * `@plinth/ui/dom`: shows views of plugins in a page.
 *
 * @module
 */
export { PlinthView } from './dom-element.js';
export { stylesheet } from './look.js';
export { type MountOptions, mountView } from './mount-view.js';
export type { ViewKernel } from './view-kernel.js';
export type { ShownView, ViewOptions, ViewState } from './view-options.js';
