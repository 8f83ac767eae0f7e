/**
 * `@plinth/sdk`: what a plugin author needs, and nothing else.
 *
 * @module
 */
export type * from './context.js';
export type {
  Baggage,
  Call,
  Caller,
  EventOrigin,
  ExecutionContext,
  Handlers,
} from './contract/call-context.js';
export {
  type Compatibility,
  type CompatOptions,
  type ContractChange,
  compat,
  type VersionStep,
} from './contract/compat.js';
export {
  type AnyContract,
  type Command,
  type Contract,
  command,
  contract,
  type ErrorsOf,
  type Event,
  type EventQueue,
  event,
  type Hook,
  hook,
  type Optional,
  type Overflow,
  optional,
} from './contract/contract.js';
export type {
  CallOptions,
  Client,
  EventArguments,
  EventInput,
  EventOutput,
  HandlerFor,
  HookAnswer,
  HookArguments,
  HookInput,
  HookOutput,
} from './contract/contract-types.js';
export { isError } from './contract/declared-error.js';
export type { ErrorCode } from './contract/error-codes.js';
export {
  PluginAuthenticationError,
  PluginCancelledError,
  PluginConfigurationError,
  PluginCrashedError,
  PluginDeclaredError,
  PluginError,
  PluginLifecycleError,
  PluginManifestError,
  PluginNetworkError,
  PluginOverloadedError,
  PluginPermissionError,
  PluginProtocolError,
  PluginResolutionError,
  PluginSignatureError,
  PluginTimeoutError,
  PluginUnavailableError,
  PluginUnresponsiveError,
  PluginValidationError,
} from './contract/errors.js';
export type { HookOptions, HookOutcome } from './contract/hook-answers.js';
export { parseManifest } from './contract/manifest.js';
export type { Isolation, Manifest, ManifestInput } from './contract/manifest-schema.js';
export type { Permissions } from './contract/permission.js';
export type { PermissionName } from './contract/permission-names.js';
export type { HealthReport, StopReason } from './contract/protocol.js';
export type { Schema } from './contract/schema.js';
export { bytes, type Stream, type StreamInput, stream } from './contract/stream.js';
export { definePlugin, type Plugin } from './plugin.js';
export { transfer } from './rpc/transfer.js';
