/**
 * `@plinth/kernel`: the runtime-agnostic kernel. Applications usually import it through a host.
 *
 * @module
 */
export type { AuditEntry, AuditHead, AuditVerdict, HostAudit } from './audit/audit-log.js';
export type { HostCallOptions } from './commands/call-options.js';
export type { HostCall, HostHandler, HostHandlers } from './commands/host-call.js';
export type { HostCommands, HostRegistration } from './commands/host-commands.js';
export type { ConfigWatcher } from './config/config-changes.js';
export type { ConfigLayer, ConfigOptions, ConfigSource } from './config/config-store.js';
export type { PluginSettings } from './config/settings.js';
export type { HostConfig } from './config/host-config.js';
export type { SettingsSource } from './config/settings-source.js';
export type { HostEvents, HostHooks, HostMiddleware, HostMiddlewareCall, KernelEnvelope } from './events/host-events.js';
export type { KernelEvents, KernelTopic } from './events/kernel-events.js';
export { inlineHost } from './guests/inline-host.js';
export { type Spare, SparePool } from './guests/spare-pool.js';
export type { CheckPath, FileFacts, HostFiles } from './host-abilities.js';
export type { ExitReason, Guest, Host, LaunchRequest, PluginPackage, PluginSource, ResourceUsage, StorageAdapter } from './host.js';
export { createKernel, KERNEL_VERSION, type Kernel, type KernelOptions } from './kernel.js';
export type { Stage } from './lifecycle/stage.js';
export { DEFAULT_LIMITS, type IsolationPolicy, type Limits, type Policy } from './parts.js';
export type { HostMessaging } from './messaging/messaging.js';
export type { PermissionPolicy } from './permissions/broker.js';
export type { PluginState } from './record.js';
export type { HostPlugins, PluginInfo } from './registry/host-plugins.js';
export type { UpdateOptions } from './registry/installer.js';
export type { BreakerPolicy, BulkheadPolicy, CachePolicy, CallPolicy, RatePolicy, ResilienceOptions, RetryPolicy } from './resilience/policy.js';
export type { HostSecrets, SecretsOptions } from './secrets/secrets.js';
export type { HostServices, Lifetime, ServiceResolver, ServiceScope, ServiceSpec, ServiceToken } from './services/container.js';
export { type PackageInput, packageOf, packageSource } from './sources/package-source.js';
export { memoryStorage } from './storage/memory-storage.js';
export type { HibernationOptions } from './supervision/hibernation.js';
export type { LimitStep, Resource, ResourceLimits, ResourcePolicy, TenantLimits } from './supervision/resource-policy.js';
export type { SupervisionOptions } from './supervision/options.js';
export type { TrustLevel } from './permissions/trust-level.js';
export type { SignaturePolicy, TrustFacts, TrustPolicy, TrustRule } from './permissions/trust.js';
export type { NetworkRequest, NetworkResponse, SendRequest } from './network/fetch.js';
export type { ChainPolicy, GrantOptions } from './permissions/grants.js';
export type { PermissionAnswer, PermissionHandler, PermissionRequest } from './permissions/requests.js';
export type { TenantKernel } from './tenant.js';
export type { ClientOptions } from './commands/client.js';
export type { Explanation } from './telemetry/explain.js';
export type { KernelHealth, PluginHealth } from './telemetry/health.js';
export type { LogEntry, Logger, LogSink } from './telemetry/logger.js';
export type { CommandMetrics, MetricsSnapshot } from './telemetry/metrics.js';
