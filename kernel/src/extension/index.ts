/**
 * `@plinth/kernel/extension`: what an extension of the kernel is made with. Experimental.
 *
 * @module
 */

export type { RegistryAdapter, StorageAdapter } from '../host.js';
export type { Undo, WantedTransition } from '../lifecycle/extending.js';
export type { RightsChange, RightsSource } from '../permissions/rights-sources.js';
export type {
  Contributions,
  PointSpec,
} from './contributions.js';
export { defineExtension } from './define.js';
export type { DocumentSpec, Documents } from './documents.js';
export { type Interceptor, type Interest, observer, wrapper } from './interest.js';
export type { ExtensionParts } from './make-extension.js';
export type { ExtensionHealth, ExtensionPort, Inspection, Phase, PortBase } from './port.js';
export type { Power } from './power.js';
export type {
  ActOptions,
  CallFacts,
  PackageCheck,
  PackageVerdict,
  Pause,
  PauseReason,
  Powers,
  ProvideOptions,
  RightsPower,
} from './powers.js';
export {
  type AnyExtension,
  type AnyFactory,
  type ApiOf,
  type EventsOf,
  type Extension,
  type ExtensionFactory,
  type Fact,
  type FactMap,
  fact,
  type Statics,
} from './statics.js';
export type { Change, Transition, TransitionHook } from './transitions.js';
export type {
  CallView,
  Candidate,
  Gate,
  GuestView,
  LaunchView,
  MiddlewareView,
  Outcome,
  PluginView,
  Registered,
  TargetView,
} from './views.js';
