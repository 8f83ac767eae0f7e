/**
 * `@plinth/kernel/preset`: makes `createKernel` functions with built-in extensions. A preset chooses
 * which ones. What each is given comes from the options, and what it offers becomes a member of the
 * kernel. This file imports no extension, so that only those are loaded that a preset chooses.
 *
 * @module
 */
import { missingExtension } from './absent-extension.js';
import type { CoreConfig } from './api/host-config.js';
import type { CorePlugins } from './api/host-plugins.js';
import { createComposed, type WithTenants } from './core-kernel.js';
import type { AnyExtension, AnyFactory } from './extension/statics.js';
import type { WithExtensions } from './extension/with-extensions.js';
import type { HostAudit } from './extensions/audit/audit-entry.js';
import type { HostInstaller } from './extensions/installer/host-installer.js';
import type { HostChanges } from './extensions/live-config/host-changes.js';
import type { HostMessaging } from './extensions/messaging/host-messaging.js';
import type {
  HostInstruments,
  HostMetrics,
  HostUsage,
  Report,
} from './extensions/metrics/host-metrics.js';
import type { TenantUsage } from './extensions/metrics/usage-data.js';
import type { HostSecrets } from './extensions/secrets/secrets.js';
import type { HostServices } from './extensions/services/container.js';
import type { CoreOptions } from './kernel-options.js';
import type { KernelOptions } from './preset-options.js';
import type { CoreTenant } from './tenant/core-tenant.js';

export type { KernelOptions, Policy } from './preset-options.js';

/** `kernel.plugins`. */
export interface HostPlugins extends Omit<CorePlugins, 'reload'>, HostInstaller, HostUsage {}

/** `kernel.config`. */
export interface HostConfig extends CoreConfig, HostChanges {}

/** Plugins, and everything that they and the host exchange. */
export interface TenantKernel extends Omit<CoreTenant, 'plugins' | 'config' | 'metrics'> {
  readonly plugins: HostPlugins;
  readonly config: HostConfig;
  readonly messaging: HostMessaging;
  /** Secrets of plugins, which no other plugin can read. */
  readonly secrets: HostSecrets;
  /** The application's own services, by token, with lifetimes. */
  readonly services: HostServices;
  /** Decisions about plugins, their attempts, and the application's entries: hash-chained. */
  readonly audit: HostAudit;
  /** Metrics of the kernel, of plugins and of the application. */
  readonly metrics: CoreTenant['metrics'] & HostInstruments;
  readonly report: Report;
  /**
   * What all plugins of the tenant use together now, against `policy.resources.tenant`. What isn't
   * known is named in `unknown`, with the reason.
   *
   * @example
   * const { memory, storage } = await kernel.tenant('acme').usage();
   */
  usage(): Promise<TenantUsage>;
}

/** A kernel: plugins, and everything that they and the host exchange. */
export interface Kernel extends TenantKernel, WithTenants<TenantKernel> {}

/** A kernel with extensions. The given extensions add the types of their events. */
export type KernelWith<E extends readonly AnyExtension[]> = WithExtensions<Kernel, E>;

/** Makes kernels with the built-in extensions of a preset. */
export type CreateKernel = <const E extends readonly AnyExtension[] = readonly []>(
  options?: KernelOptions & { readonly extensions?: E },
) => Promise<KernelWith<E>>;

/** What these are given of the options. Others are given the option of their name. */
const GIVEN: Readonly<Record<string, (options: KernelOptions) => readonly unknown[]>> = {
  installer: ({ policy }) => [policy?.updates],
  limits: ({ policy }) => [policy?.resources],
  metrics: ({ metrics }) => [metrics === true ? undefined : metrics],
  resilience: ({ resilience, policy }) => [resilience, policy?.commands],
  trust: ({ policy }) => [policy],
};

const NAMES = [
  ...Object.keys(GIVEN),
  'audit',
  'grants',
  'hibernation',
  'live-config',
  'messaging',
  'network',
  'secrets',
  'services',
  'supervision',
];

/** The option of a built-in extension. `limits` shares its option with the core. */
const optionOf = (name: string): keyof KernelOptions =>
  (name === 'live-config' ? 'liveConfig' : name) as keyof KernelOptions;

/** Whether a built-in extension is wanted. Hibernation does nothing unless it is asked to. */
function isWanted({ statics: { name } }: AnyFactory, options: KernelOptions): boolean {
  const given = options[optionOf(name)];
  return given !== false && (given !== undefined || name !== 'hibernation');
}

/**
 * Makes a `createKernel` with the built-in extensions of a preset, in their order.
 *
 * @example
 * import { audit } from '@plinth/kernel/audit';
 * import { kernelWith } from '@plinth/kernel/preset';
 * import { supervision } from '@plinth/kernel/supervision';
 * const createSmallKernel = kernelWith([audit, supervision]);
 */
export function kernelWith(preset: readonly AnyFactory[]): CreateKernel {
  return async (options: KernelOptions = {}) => {
    // Loaded together, as both are needed before the kernel is there.
    const [{ checkIsObject }, { checkKernelOptions }] = await Promise.all([
      import('./check-options.js'),
      import('./check-kernel-options.js'),
      import('./extension/extended-tenant.js'),
    ]);
    checkIsObject(options);
    const chosen = preset.filter((factory) => isWanted(factory, options));
    const names = new Set(chosen.map(({ statics }) => statics.name));
    const absent = new Set(NAMES.filter((name) => !names.has(name)));
    const core = coreOf(options);
    checkKernelOptions(options, core, { names: NAMES, optionOf, absent });
    const builtIns = chosen.map((factory) => {
      const { name } = factory.statics;
      return factory(...((GIVEN[name]?.(options) ?? [options[optionOf(name)]]) as never[]));
    });
    const extensions = [...builtIns, ...(options.extensions ?? [])];
    return (await createComposed({ ...core, extensions }, compose)) as never;
  };
}

/** The options of the core alone. */
function coreOf({ limits, ...options }: KernelOptions): CoreOptions {
  const own: readonly string[] = NAMES.map(optionOf);
  const rest = Object.entries(options).filter(([name]) => !own.includes(name));
  return {
    ...(Object.fromEntries(rest) as CoreOptions),
    ...(limits !== undefined && limits !== false && { limits }),
  };
}

const AUDIT = ['entries', 'verify', 'head', 'add', 'export'] as const;
const SECRETS = ['set', 'delete', 'names'] as const;
const SERVICES = ['provide', 'has', 'get', 'createScope'] as const;
const MESSAGING = ['send', 'route', 'on'] as const;
const METRICS = [
  'callersOf',
  'counter',
  'gauge',
  'histogram',
  'profile',
  'prometheus',
  'report',
  'series',
  'together',
  'usage',
] as const;
const CHANGES = ['set', 'watch'] as const;
const INSTALLER = [
  'install',
  'uninstall',
  'leftovers',
  'transfer',
  'update',
  'promote',
  'rollback',
  'deprecate',
] as const;

/** Adds what built-in extensions offer to the members of a tenant. */
function compose(core: CoreTenant, find: (name: string) => unknown): TenantKernel & CoreTenant {
  const apiOf = <T>(name: string, methods: readonly (keyof T & string)[]): T =>
    (find(name) as T | undefined) ?? absent(name, methods);
  const { profile, usage, together, report, ...instruments } = apiOf<HostMetrics>(
    'metrics',
    METRICS,
  );
  return {
    ...core,
    plugins: {
      ...core.plugins,
      ...apiOf<HostInstaller>('installer', INSTALLER),
      usage,
      profile,
    },
    config: { ...core.config, ...apiOf<HostChanges>('live-config', CHANGES) },
    messaging: apiOf<HostMessaging>('messaging', MESSAGING),
    secrets: apiOf<HostSecrets>('secrets', SECRETS),
    services: apiOf<HostServices>('services', SERVICES),
    audit: apiOf<HostAudit>('audit', AUDIT),
    metrics: { ...core.metrics, ...instruments },
    report,
    usage: together,
  };
}

/** The API of an extension that was left out: each method is refused with the cure. */
function absent<T>(name: string, methods: readonly (keyof T & string)[]): T {
  const refuse = () => {
    throw missingExtension(optionOf(name));
  };
  return Object.fromEntries(methods.map((method) => [method, refuse])) as T;
}
