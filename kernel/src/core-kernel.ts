/**
 * `@plinth/kernel/core`: a kernel without built-in extensions. It makes what all tenants share, the
 * default tenant, and the other tenants on request.
 *
 * @module
 */
import { ASYNC_DISPOSE, createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { KernelHealth } from './api/health.js';
import type { AnyExtension } from './extension/statics.js';
import type { WithExtensions } from './extension/with-extensions.js';
import type { CoreOptions } from './kernel-options.js';
import { type DrainOptions, drainOf } from './lifecycle/drain.js';
import { DEFAULT_LIMITS } from './limits.js';
import type { CoreTenant } from './tenant/core-tenant.js';
import { Ground } from './tenant/ground.js';
import type { Compose } from './tenant/shared.js';
import { checkTenantId, Tenants } from './tenant/tenants.js';

export type { KernelDiagnostics } from './api/diagnostics.js';
export type { CoreConfig } from './api/host-config.js';
export type { CorePlugins } from './api/host-plugins.js';
export { type CoreOptions, KERNEL_VERSION } from './kernel-options.js';
export type { CorePolicy } from './policy.js';
export type { CoreTenant } from './tenant/core-tenant.js';

/** Other tenants of a kernel, each of the type `T`. */
export interface WithTenants<T> {
  /**
   * A tenant: its own plugins, settings, storage, events and calls, over the same sources. No
   * tenant can reach or see another.
   *
   * The first request makes the tenant, and starts it when the kernel has been started. Its
   * commands, plugins, settings and permissions wait until its plugins are known. `start()` waits
   * until all plugins have started. The tenant's `stop()` stops it alone.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` when the id is invalid,
   * PluginUnavailableError `kernel/stopped`.
   */
  tenant(id: string): T;
}

/** A kernel without built-in extensions, with those that it was given. */
export type CoreKernel<E extends readonly AnyExtension[] = readonly []> = WithExtensions<
  CoreTenant & WithTenants<CoreTenant>,
  E
>;

/**
 * Extensions in use by a kernel. The closure of a factory's extension holds the state of one
 * kernel.
 */
const taken = new WeakSet<AnyExtension>();

function take(extensions: readonly AnyExtension[]): void {
  for (const one of extensions)
    if (taken.has(one))
      throw createError(
        'extension/in-use',
        `the extension '${one.statics.name}' is another kernel's already: call its factory once for each kernel`,
        { details: { extension: one.statics.name } },
      );
  for (const one of extensions) taken.add(one);
}

/**
 * Makes a kernel with the given extensions alone: plugins start, run, call each other, and stop.
 * The kernel's own extensions have entry points of their own, such as `@plinth/kernel/supervision`.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`, `extension/…`.
 * @example
 * import { createKernel } from '@plinth/kernel/core';
 * import { supervision } from '@plinth/kernel/supervision';
 * const kernel = await createKernel({ host, sources, extensions: [supervision()] });
 */
export async function createKernel<const E extends readonly AnyExtension[] = readonly []>(
  options: CoreOptions & { readonly extensions?: E } = {},
): Promise<CoreKernel<E>> {
  const { checkCoreOptions } = await import('./check-options.js');
  checkCoreOptions(options);
  // The application sees the typed events of extensions. The bus carries them like any other event.
  return (await createComposed(options, (core) => core)) as unknown as CoreKernel<E>;
}

/** Makes a kernel whose tenants have more members than the core's. Its options were checked. */
export async function createComposed<T extends CoreTenant>(
  options: CoreOptions,
  compose: Compose<T>,
): Promise<T & WithTenants<T>> {
  const env = options.config?.env;
  const [extend, environment] = await Promise.all([
    import('./extension/extended-tenant.js'),
    env && import('./config/environment.js').then((made) => new made.EnvironmentLayer(env)),
  ]);
  await extend.checkPoints(options.contributions);
  const sources = [...(options.sources ?? [])];
  const extensions = extend.extensionsOf(options.extensions ?? [], sources);
  take(extensions);
  const ground = new Ground(options, { extend, environment }, extensions, sources, compose);
  let root: T;
  try {
    root = ground.makeRoot() as T;
  } catch (error) {
    await ground.end();
    throw error;
  }
  return kernelOf(root, ground);
}

function kernelOf<T extends CoreTenant>(root: T, ground: Ground): T & WithTenants<T> {
  const tenants = new Tenants(ground.shared);
  ground.tenants = tenants;
  let stopping: Promise<void> | undefined;
  const kernel: T & WithTenants<T> = {
    ...root,
    tenant(id: string): T {
      if (id === DEFAULT_TENANT) return kernel;
      checkTenantId(id);
      if (stopping !== undefined)
        throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
      return tenants.get(id) as T;
    },
    async start() {
      tenants.started = true;
      await root.start();
      // A stopping kernel prepares nothing, because nothing would release it.
      if (stopping === undefined) for (const host of ground.shared.hosts) host.prepare?.();
      await Promise.all(tenants.all().map((tenant) => tenant.start()));
      if (stopping !== undefined)
        throw createError(
          'kernel/stopped',
          'the kernel was stopped before it had started: make a new one',
        );
    },
    async health(): Promise<KernelHealth> {
      const [own, others] = await Promise.all([root.health(), tenants.health()]);
      const { withTenants } = await import('./tenant/opened.js');
      return withTenants(own, others);
    },
    async stop(options?: DrainOptions) {
      drainOf(options, DEFAULT_LIMITS);
      stopping ??= stopAll(root, tenants, ground, options);
      return stopping;
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  return kernel;
}

async function stopAll(
  root: CoreTenant,
  tenants: Tenants,
  ground: Ground,
  options: DrainOptions | undefined,
): Promise<void> {
  ground.stopLooking();
  // All tenants stop at once, so none of them takes new work from now on.
  const rootStopped = root.stop(options);
  await Promise.allSettled([rootStopped, tenants.stop(options)]);
  await ground.end();
  await rootStopped;
}
