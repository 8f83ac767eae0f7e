/**
 * `@plinth/kernel`: the runtime-agnostic kernel. Applications usually import it through a host.
 *
 * @module
 */

export type {
  CommandCapability,
  ContractCapability,
  EventCapability,
  HookCapability,
  PluginCapabilities,
} from './api/capabilities.js';
export type {
  BreakerState,
  DeniedUse,
  PluginChange,
  PluginFailure,
  PluginStory,
} from './api/chronicle.js';
export type { BasicDiagnostics, DiagnosedPlugin, KernelDiagnostics } from './api/diagnostics.js';
export type { Explanation } from './api/explain.js';
export type { Cut, Usage, Used } from './api/explain-details.js';
export type { ExplainedStory } from './api/explain-story.js';
export { explanationText } from './api/explain-text.js';
export type {
  HealthPart,
  HealthProblem,
  KernelHealth,
  PartHealth,
  TenantHealth,
} from './api/health.js';
export type { HostCommands } from './api/host-commands.js';
export type { HostEvents, HostHooks, KernelEnvelope } from './api/host-events.js';
export type { HostMiddleware, HostMiddlewareCall } from './api/host-middleware.js';
export type { HostPermissions } from './api/host-permissions.js';
export type { PluginInfo } from './api/plugin-info.js';
export type { HostStorage, PluginStorageView } from './api/storage-view.js';
export type { HostCallOptions } from './calls/call-options.js';
export type { ClientOptions } from './calls/client.js';
export type { HostCall, HostHandler, HostHandlers } from './calls/host-call.js';
export type { ServiceResolver, ServiceScope, ServiceToken } from './calls/services.js';
export type { ConfigLayer, ConfigOptions, ConfigSource } from './config/config-store.js';
export type { PluginSettings } from './config/settings.js';
export type { SettingsSource } from './config/settings-source.js';
export type { ContributionOptions } from './extension/contributions.js';
export type { Contribution } from './extension/extending.js';
export type { AnyExtension, AnyFactory, ApiOf } from './extension/statics.js';
export type { ExtensionEvents } from './extension/with-extensions.js';
export type {
  AuditEntry,
  AuditHead,
  AuditTopic,
  AuditVerdict,
  ChainEnd,
  HostAudit,
} from './extensions/audit/audit-entry.js';
export type { HibernationOptions } from './extensions/hibernation/hibernation-options.js';
export type {
  OwnerOptions,
  UninstallOptions,
  UpdateOptions,
} from './extensions/installer/installer-options.js';
export type { Leftover } from './extensions/installer/plugin-data.js';
export type {
  ResourceLimits,
  ResourcePolicy,
  TenantLimits,
} from './extensions/limits/resource-policy.js';
export type { ConfigWatcher } from './extensions/live-config/watchers.js';
export type { HostMessaging } from './extensions/messaging/host-messaging.js';
export type { HostInstruments, HostUsage, Report } from './extensions/metrics/host-metrics.js';
export type { MetricsOptions } from './extensions/metrics/metrics-options.js';
export type { ReportQuery, TelemetryReport } from './extensions/metrics/report-data.js';
export type { Amount, PluginUsage, TenantUsage } from './extensions/metrics/usage-data.js';
export type {
  BreakerPolicy,
  BulkheadPolicy,
  CachePolicy,
  CallPolicy,
  CommandDefaults,
  RatePolicy,
  ResilienceOptions,
  RetryPolicy,
} from './extensions/resilience/policy.js';
export type { HostSecrets } from './extensions/secrets/secrets.js';
export type { SecretsOptions } from './extensions/secrets/secrets-options.js';
export type { HostServices } from './extensions/services/container.js';
export type { Lifetime, ServiceSpec } from './extensions/services/service.js';
export type { SupervisionOptions } from './extensions/supervision/options.js';
export type {
  SignaturePolicy,
  TrustFacts,
  TrustPolicy,
  TrustRule,
} from './extensions/trust/trust-policy.js';
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
  RegistryAdapter,
  ResourceUsage,
  SourceChange,
  StorageAdapter,
  SystemFacts,
} from './host.js';
export type {
  CheckPath,
  FileFacts,
  HostFiles,
  NetworkRequest,
  NetworkResponse,
  SendRequest,
} from './host-abilities.js';
export { createKernel, KERNEL_VERSION } from './kernel.js';
export type { KernelEvents, KernelTopic, LimitStep, Resource } from './kernel-events.js';
export type { DrainOptions } from './lifecycle/drain.js';
export type { IsolationPolicy } from './lifecycle/launcher.js';
export type { PluginHealth } from './lifecycle/plugin-health.js';
export { DEFAULT_LIMITS, type Limits, type ValueLimits } from './limits.js';
export type {
  PermissionAnswer,
  PermissionHandler,
  PermissionQuestion,
  PermissionRequest,
  RequestOptions,
} from './permissions/asking.js';
export type { ChainPolicy } from './permissions/delegation.js';
export type { GrantOptions, RefusedRight } from './permissions/grant-records.js';
export type { GrantedRight, PermissionPolicy } from './permissions/granted.js';
export type { TrustLevel } from './permissions/trust-level.js';
export type { PluginState } from './plugin/record.js';
export type {
  CreateKernel,
  HostConfig,
  HostPlugins,
  Kernel,
  KernelOptions,
  KernelWith,
  Policy,
  TenantKernel,
} from './preset.js';
export type { HostRegistration } from './registration.js';
export { type PackageInput, packageOf, packageSource } from './sources/package-source.js';
export { type UrlSourceOptions, urlSource } from './sources/url-source.js';
export type { Stage } from './stage.js';
export { memoryStorage } from './storage/memory-storage.js';
export { consoleSink } from './telemetry/console-sink.js';
export { escapeLine, logLine } from './telemetry/log-line.js';
export type { LogEntry, Logger, LogSink } from './telemetry/logger.js';
export type { CommandMetrics, MetricsSnapshot } from './telemetry/metrics.js';
