/**
 * `@plinth/kernel`: the runtime-agnostic kernel. Applications usually import it through a host.
 *
 * @module
 */
export type {
  AuditEntry,
  AuditHead,
  AuditTopic,
  AuditVerdict,
  ChainEnd,
  HostAudit,
} from './audit/audit-entry.js';
export type { HostCallOptions } from './commands/call-options.js';
export type { ClientOptions } from './commands/client.js';
export type { HostCall, HostHandler, HostHandlers } from './commands/host-call.js';
export type { HostCommands } from './commands/host-commands.js';
export type { ConfigWatcher } from './config/config-changes.js';
export type { ConfigLayer, ConfigOptions, ConfigSource } from './config/config-store.js';
export type { HostConfig } from './config/host-config.js';
export type { PluginSettings } from './config/settings.js';
export type { SettingsSource } from './config/settings-source.js';
export type { HostEvents, HostHooks, KernelEnvelope } from './events/host-events.js';
export type { HostMiddleware, HostMiddlewareCall } from './events/host-middleware.js';
export type { KernelEvents, KernelTopic } from './events/kernel-events.js';
export type { ContributionOptions } from './extension/contributions.js';
export type { Contribution } from './extension/extending.js';
export type { AnyExtension, AnyFactory, ApiOf } from './extension/statics.js';
export type { ExtensionEvents } from './extension/with-extensions.js';
export { inlineHost } from './guests/inline-host.js';
export { type Spare, SparePool } from './guests/spare-pool.js';
export type {
  ExitReason,
  Guest,
  GuestContext,
  Host,
  LaunchRequest,
  PluginPackage,
  PluginSource,
  ResourceUsage,
  StorageAdapter,
  SystemFacts,
} from './host.js';
export type { CheckPath, FileFacts, HostFiles } from './host-abilities.js';
export {
  createKernel,
  KERNEL_VERSION,
  type Kernel,
  type KernelOptions,
  type KernelWith,
} from './kernel.js';
export type { DrainOptions } from './lifecycle/drain.js';
export { DEFAULT_LIMITS, type Limits, type ValueLimits } from './limits.js';
export type { HostMessaging } from './messaging/host-messaging.js';
export type { NetworkRequest, NetworkResponse, SendRequest } from './network/fetch.js';
export type { PermissionPolicy } from './permissions/granted.js';
export type { ChainPolicy, GrantOptions } from './permissions/grants.js';
export type { HostPermissions } from './permissions/host-permissions.js';
export type {
  PermissionAnswer,
  PermissionHandler,
  PermissionRequest,
} from './permissions/requests.js';
export type { TrustLevel } from './permissions/trust-level.js';
export type {
  SignaturePolicy,
  TrustFacts,
  TrustPolicy,
  TrustRule,
} from './permissions/trust-policy.js';
export type { PluginState } from './plugin/record.js';
export type { Stage } from './plugin/stage.js';
export type { IsolationPolicy, Policy } from './policy.js';
export type { HostRegistration } from './registration.js';
export type {
  CommandCapability,
  ContractCapability,
  EventCapability,
  HookCapability,
  PluginCapabilities,
} from './registry/capabilities.js';
export type { HostPlugins, PluginInfo } from './registry/host-plugins.js';
export type { OwnerOptions, UninstallOptions, UpdateOptions } from './registry/installer.js';
export type { Leftover } from './registry/plugin-data.js';
export type { HostStorage, PluginStorageView } from './registry/storage-view.js';
export type {
  BreakerPolicy,
  BulkheadPolicy,
  CachePolicy,
  CallPolicy,
  CommandDefaults,
  RatePolicy,
  ResilienceOptions,
  RetryPolicy,
} from './resilience/policy.js';
export type { HostSecrets } from './secrets/secrets.js';
export type { SecretsOptions } from './secrets/secrets-options.js';
export type { HostServices } from './services/container.js';
export type {
  Lifetime,
  ServiceResolver,
  ServiceScope,
  ServiceSpec,
  ServiceToken,
} from './services/service.js';
export { type PackageInput, packageOf, packageSource } from './sources/package-source.js';
export { type UrlSourceOptions, urlSource } from './sources/url-source.js';
export { memoryStorage } from './storage/memory-storage.js';
export type { HibernationOptions } from './supervision/hibernation-options.js';
export type { SupervisionOptions } from './supervision/options.js';
export type {
  LimitStep,
  Resource,
  ResourceLimits,
  ResourcePolicy,
  TenantLimits,
} from './supervision/resource-policy.js';
export type { Explanation } from './telemetry/explain.js';
export type { Cut, Usage, Used } from './telemetry/explain-details.js';
export type {
  HealthProblem,
  KernelHealth,
  PluginHealth,
  TenantHealth,
} from './telemetry/health.js';
export { escapeLine, logLine } from './telemetry/log-line.js';
export type { LogEntry, Logger, LogSink } from './telemetry/logger.js';
export type { CommandMetrics, MetricsSnapshot } from './telemetry/metrics.js';
export type { KernelDiagnostics, TenantKernel } from './tenant/tenant-kernel.js';
