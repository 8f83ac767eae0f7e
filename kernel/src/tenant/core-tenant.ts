/** A tenant without built-in extensions, as the application sees it. */
import type { AnyContract, Client } from '@plinth/sdk';
import type { KernelDiagnostics } from '../api/diagnostics.js';
import type { KernelHealth } from '../api/health.js';
import type { HostCommands } from '../api/host-commands.js';
import type { CoreConfig } from '../api/host-config.js';
import type { HostEvents, HostHooks } from '../api/host-events.js';
import type { HostMiddleware } from '../api/host-middleware.js';
import type { HostPermissions } from '../api/host-permissions.js';
import type { CorePlugins } from '../api/host-plugins.js';
import type { PluginInfo } from '../api/plugin-info.js';
import type { HostStorage } from '../api/storage-view.js';
import type { HostCallOptions } from '../calls/call-options.js';
import type { ClientOptions } from '../calls/client.js';
import type { HostHandlers } from '../calls/host-call.js';
import type { Contribution } from '../extension/extending.js';
import type { AnyFactory, ApiOf } from '../extension/statics.js';
import type { DrainOptions } from '../lifecycle/drain.js';
import type { HostRegistration } from '../registration.js';
import type { Logger } from '../telemetry/logger.js';
import type { MetricsSnapshot } from '../telemetry/metrics.js';

/** Plugins, and everything that they and the host exchange. */
export interface CoreTenant extends AsyncDisposable {
  readonly version: string;
  /** The id of the tenant: `tenant-0` unless the application serves several. */
  readonly id: string;
  readonly plugins: CorePlugins;
  readonly commands: HostCommands;
  readonly events: HostEvents;
  readonly hooks: HostHooks;
  readonly middleware: HostMiddleware;
  readonly config: CoreConfig;
  /** What plugins keep, by plugin. It includes plugins that are no longer installed. */
  readonly storage: HostStorage;
  readonly permissions: HostPermissions;
  readonly logger: Logger;
  readonly metrics: { snapshot(): MetricsSnapshot };
  /**
   * A typed client of a contract.
   *
   * @throws PluginValidationError `call/invalid-option` when `version` is not a range.
   */
  client<C extends AnyContract>(contract: C, options?: ClientOptions): Client<C, HostCallOptions>;
  /** Provides a contract as the host. Disposing it withdraws it; plugins that require it pause. */
  provide<C extends AnyContract>(contract: C, handlers: HostHandlers<C>): HostRegistration;
  /**
   * The API of an installed extension.
   *
   * @throws PluginConfigurationError `extension/missing` with the line to write.
   * @example kernel.extension(clock).zone;
   */
  extension<F extends AnyFactory>(factory: F): ApiOf<F>;
  /** Plugins that provide a contract, running or not, the best first. */
  providers(contract: AnyContract | string): readonly PluginInfo[];
  /**
   * The contributions of plugins to a point of the application (`createKernel({ contributions })`)
   * or of an extension. This starts no plugin. Plugins that may not run are left out.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for an unknown point.
   */
  contributions(point: string): readonly Contribution[];
  /**
   * The state of the kernel as one document of plain JSON, without a secret in it.
   */
  diagnostics(): KernelDiagnostics;
  /**
   * Discovers plugins, and starts none: they can be listed, and what is kept of them can be worked
   * on. {@link start} goes on from there. A stop ends it in any case.
   *
   * @throws what the storage or an extension throws, PluginUnavailableError `kernel/stopped`.
   */
  open(): Promise<void>;
  /** Discovers plugins, and activates those for `startup`. Bad ones are recorded, never thrown. */
  start(): Promise<void>;
  /** Takes no new calls, waits for calls in flight, stops every plugin, the latest first, and releases everything. Idempotent: the `drain` of the first call counts. */
  stop(options?: DrainOptions): Promise<void>;
  health(): Promise<KernelHealth>;
}
