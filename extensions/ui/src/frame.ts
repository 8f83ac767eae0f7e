/**
 * `@plinth/ui/frame`: shows frames of plugins in a page.
 *
 * @module
 */
export { type FrameOptions, mountFrame } from './mount-frame.js';
export type { ViewKernel } from './view-kernel.js';
export type { ShownView, ViewState } from './view-options.js';
