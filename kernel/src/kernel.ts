/**
 * `createKernel`: makes what all tenants share, the default tenant, and the other tenants on
 * request.
 */
import { ASYNC_DISPOSE, createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { KernelHealth } from './api/health.js';
import type { AnyExtension } from './extension/statics.js';
import type { WithExtensions } from './extension/with-extensions.js';
import { checkOptions, type KernelOptions } from './kernel-options.js';
import { type DrainOptions, drainOf } from './lifecycle/drain.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Ground } from './tenant/ground.js';
import type { TenantKernel } from './tenant/tenant-kernel.js';
import { checkTenantId, Tenants } from './tenant/tenants.js';

export { KERNEL_VERSION, type KernelOptions } from './kernel-options.js';

/** A kernel: plugins, and everything that they and the host exchange. */
export interface Kernel extends TenantKernel {
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
  tenant(id: string): TenantKernel;
}

/** A kernel with extensions. The given extensions add the types of their events. */
export type KernelWith<E extends readonly AnyExtension[]> = WithExtensions<Kernel, E>;

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
 * Makes a kernel from explicit parts. `@plinth/host-node` and `@plinth/host-browser` export the
 * same function with the defaults of their runtime.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`, `config/invalid`.
 * @example
 * const kernel = await createKernel({ sources: [packageSource([{ manifest, code }])], isolation: 'inline' });
 * await kernel.start();
 */
export async function createKernel<const E extends readonly AnyExtension[] = readonly []>(
  options: KernelOptions & { readonly extensions?: E } = {},
): Promise<KernelWith<E>> {
  checkOptions(options);
  if (options.policy !== undefined) {
    const { checkPolicy } = await import('./check-policy.js');
    checkPolicy(options.policy);
  }
  const wanted = options.extensions ?? [];
  const points = Object.keys(options.contributions ?? {}).length;
  const extend =
    wanted.length + points > 0 ? await import('./extension/extended-tenant.js') : undefined;
  const extensions = extend?.orderExtensions(wanted) ?? [];
  take(extensions);
  const ground = new Ground(options, extend, extensions);
  let root: TenantKernel;
  try {
    root = ground.makeRoot();
  } catch (error) {
    await ground.end();
    throw error;
  }
  // The application sees the typed events of extensions. The bus carries them like any other event.
  return kernelOf(root, ground) as unknown as KernelWith<E>;
}

function kernelOf(root: TenantKernel, ground: Ground): Kernel {
  const tenants = new Tenants(ground.shared);
  ground.tenants = tenants;
  let stopping: Promise<void> | undefined;
  const kernel: Kernel = {
    ...root,
    tenant(id) {
      if (id === DEFAULT_TENANT) return kernel;
      checkTenantId(id);
      if (stopping !== undefined)
        throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
      return tenants.get(id);
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
    async stop(options) {
      drainOf(options, DEFAULT_LIMITS);
      stopping ??= stopAll(root, tenants, ground, options);
      return stopping;
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  return kernel;
}

async function stopAll(
  root: TenantKernel,
  tenants: Tenants,
  ground: Ground,
  options: DrainOptions | undefined,
): Promise<void> {
  ground.stopLooking();
  // All tenants stop at once, so none of them takes new work from now on.
  const rootStopped = root.stop(options);
  await Promise.allSettled([rootStopped, tenants.stop(options)]);
  await rootStopped;
  await ground.end();
}
