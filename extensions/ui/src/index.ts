/**
 * `@plinth/ui`: views of a plugin, and its words with the user. The application shows them with
 * `ui()` of `@plinth/ui/host` and `mountView` of `@plinth/ui/dom`.
 *
 * @module
 */
export type { RowSource } from './asked-rows.js';
export type { ChartSeries } from './chart-data.js';
export type { Child, ViewNode } from './child.js';
export {
  type AskInput,
  type EventInput,
  type FactInput,
  type NotifyInput,
  type OpenInput,
  type StatusInput,
  type Tone,
  Ui,
  View,
} from './contract.js';
export type { Elements, Gap, IconName } from './elements.js';
export { Frame, type FrameCall } from './frame-contract.js';
export { type FramePage, type FrameSource, type Frames, frames } from './frames.js';
export { h } from './h.js';
export type { NodeHandlers, ViewSession } from './session.js';
export { type Mount, type Shown, type ViewSource, type Views, views } from './views.js';
export type { ViewOp, ViewProps, WireNode } from './wire.js';
