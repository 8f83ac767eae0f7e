/**
 * `@plinth/ui/host`: what plugins contribute to a user interface, for the application that renders
 * it.
 *
 * @module
 */
export type { Check, PropValue } from './checks.js';
export type { UiContribution, ViewContribution } from './contribution-schema.js';
export { ui } from './extension.js';
export { ViewRefused } from './fault.js';
export type { EventDetail, HostNode } from './host-node.js';
export type { KeyBinding, KeyOption } from './key-bindings.js';
export type { KeyPress } from './keys.js';
export { type ElementSpec, KIT, type Kit } from './kit.js';
export { KIT_VERSION } from './kit-version.js';
export type { ViewLimits } from './limits.js';
export type { RowSpan } from './row-span.js';
export {
  type SettingsField,
  type SettingsForm,
  type SettingsKernel,
  settingsForm,
} from './settings-form.js';
export type { Shape, Shaper, ShapeScope } from './shape.js';
export { type SeenView, showView } from './show-view.js';
export type { ViewRenderer } from './showing.js';
export type { UiOptions } from './ui-options.js';
export type { ViewKernel } from './view-kernel.js';
export type { ShownView, ViewOptions, ViewState } from './view-options.js';
export type { TreeListener, ViewTree } from './view-tree.js';
export { type FactValue, parseWhen, type When } from './when.js';
export type { Notice, Present, Question } from './words.js';
export type {
  MenuItem,
  PaletteItem,
  SlotView,
  StatusItem,
  Workbench,
} from './workbench-api.js';
