/** The options of a kernel without built-in extensions. */
import type { AnyContract, MiddlewareOptions, Next } from '@plinth/sdk';
import type { HostMiddlewareCall } from './api/host-middleware.js';
import type { ConfigOptions } from './config/config-store.js';
import type { ContributionOptions } from './extension/contributions.js';
import type { AnyExtension } from './extension/statics.js';
import type { Host, PluginSource, RegistryAdapter, StorageAdapter } from './host.js';
import type { IsolationPolicy } from './lifecycle/launcher.js';
import type { Limits } from './limits.js';
import type { CorePolicy } from './policy.js';
import type { LogSink } from './telemetry/logger.js';

/** The version of this kernel. `engines.plinth` of a manifest is matched with it. */
export const KERNEL_VERSION = '1.0.0';

/** The parts of the core. Everything but the sources of plugins has a default. */
export interface CoreOptions {
  /** Where guests run. Inline guests are always possible. */
  readonly host?: Host | readonly Host[];
  /** Where plugins come from. */
  readonly sources?: readonly PluginSource[];
  /** Where plugins' data is kept: memory when absent. The kernel closes it when it stops. */
  readonly storage?: StorageAdapter;
  /**
   * Where it is kept which plugins are installed, and what was decided about them: in `storage` when
   * absent.
   */
  readonly registry?: RegistryAdapter;
  readonly config?: ConfigOptions;
  readonly policy?: CorePolicy;
  /**
   * Contracts that any number of plugins may provide, beside the standard ones. Providing one needs
   * the right `contracts.provide`.
   */
  readonly contracts?: readonly AnyContract[];
  /**
   * Points of `contributes` in manifests that the application reads (`kernel.contributions`), each
   * with the JSON Schema of its values.
   */
  readonly contributions?: ContributionOptions;
  /** Extensions of the kernel. Experimental: their port may change with a minor release. */
  readonly extensions?: readonly AnyExtension[];
  /**
   * Overrides the isolation that manifests ask for. It is the only way to let a plugin run inline.
   */
  readonly isolation?: IsolationPolicy;
  readonly limits?: Partial<Limits>;
  /**
   * Whether plugins that call each other often get a direct lane: after 256 calls within a second,
   * after the given number, or never. Calls over a lane are counted a little later, and not
   * announced one by one.
   */
  readonly lanes?: boolean | { readonly calls: number };
  /**
   * `only`: no plugin starts by itself in the default tenant. It starts when it is asked for: by its
   * name, or by a call that its manifest names. Other tenants start as ever.
   */
  readonly tenants?: 'only';
  /** Middleware of the host, outermost first. */
  readonly middleware?: readonly (MiddlewareOptions & {
    readonly target: string;
    readonly use: (call: HostMiddlewareCall, next: Next) => unknown;
  })[];
  /**
   * Receives every log entry. When absent, warnings, errors and the consoles of plugins go to the
   * host's console. With false, nothing is logged.
   */
  readonly telemetry?: { readonly log?: LogSink | false };
}
