/** `createKernel`: what all tenants share, the tenant that is there from the start, and the others when they are asked for. */
import { ASYNC_DISPOSE, createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import { Deadlines, Turn } from '@plinth/sdk/rpc';
import { inlineHost } from './guests/inline-host.js';
import { SharedGuests } from './guests/shared-guests.js';
import type { Host } from './host.js';
import { checkOptions, type KernelOptions } from './kernel-options.js';
import { CodeCache } from './lifecycle/code-cache.js';
import { type Discovered, discoverAll } from './lifecycle/discover.js';
import { memoryStorage } from './storage/memory-storage.js';
import { createTenant, type Shared, type TenantKernel } from './tenant.js';

export { KERNEL_VERSION, type KernelOptions } from './kernel-options.js';

/** A kernel: plugins, and everything they and the host say to each other. */
export interface Kernel extends TenantKernel {
  /**
   * The same for one tenant: its own plugins, settings, storage, events and calls, over the same sources. Nothing of one
   * tenant can be reached or seen from another. The first request makes it, and starts it when the kernel has been
   * started: what is asked of its commands, plugins, settings and permissions waits until it is known who is there, and
   * `start()` until all have started. Its `stop()` ends it alone.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` when the id isn't one, PluginUnavailableError `kernel/stopped`.
   */
  tenant(id: string): TenantKernel;
}

const TENANT_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

/**
 * Makes a kernel from explicit parts. `@plinth/host-node` and `@plinth/host-browser` export the same function with the
 * defaults of their runtime.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`, `config/invalid`.
 * @example
 * const kernel = await createKernel({ sources: [packageSource([{ manifest, code }])], isolation: 'inline' });
 * await kernel.start();
 */
export async function createKernel(options: KernelOptions = {}): Promise<Kernel> {
  checkOptions(options);
  if (options.policy !== undefined) {
    const { checkPolicy } = await import('./permissions/check-policy.js');
    checkPolicy(options.policy);
  }
  const hosts = [...(options.host === undefined ? [] : [options.host].flat()), inlineHost()] as readonly Host[];
  const deadlines = new Deadlines();
  let packages: Promise<Discovered> | undefined;
  const shared: Shared = {
    options,
    hosts,
    storage: options.storage ?? memoryStorage(),
    deadlines,
    turn: new Turn(),
    code: new CodeCache(),
    guests: new SharedGuests(),
    packages() {
      packages ??= discoverAll(options.sources ?? []);
      return packages;
    },
  };
  const root = createTenant(shared, DEFAULT_TENANT);
  const tenants = new Map<string, TenantKernel>();
  /** Tenants that are stopping. */
  const leaving = new Map<string, Promise<void>>();
  let started = false;
  let stopping: Promise<void> | undefined;
  const kernel: Kernel = {
    ...root,
    tenant(id) {
      if (id === DEFAULT_TENANT) return kernel;
      if (typeof id !== 'string' || !TENANT_ID.test(id))
        throw createError('kernel/invalid-option', `'${String(id).slice(0, 80)}' is not a tenant id: letters, digits, '.', '_' and '-', at most 128`, {
          details: { option: 'tenant' },
        });
      if (stopping !== undefined) throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
      const known = tenants.get(id);
      if (known !== undefined) return known;
      // One tenant never has two guests of one plugin.
      const made = createTenant(shared, id, leaving.get(id));
      const tenant: TenantKernel = {
        ...made,
        stop() {
          const stopped = made.stop();
          if (tenants.get(id) === tenant) tenants.delete(id);
          const left = stopped.finally(() => {
            if (leaving.get(id) === left) leaving.delete(id);
          });
          leaving.set(id, left);
          return left;
        },
        [ASYNC_DISPOSE]: () => tenant.stop(),
      };
      tenants.set(id, tenant);
      // Whoever needs it to have started waits for its own start(), which shares this one.
      if (started) tenant.start().catch(() => {});
      return tenant;
    },
    async start() {
      started = true;
      await root.start();
      for (const host of hosts) host.prepare?.();
      await Promise.all([...tenants.values()].map((tenant) => tenant.start()));
    },
    stop() {
      stopping ??= (async () => {
        await Promise.allSettled([...leaving.values(), ...[...tenants.values()].map((tenant) => tenant.stop())]);
        await root.stop();
        await Promise.allSettled([shared.storage.close(), ...hosts.map((one) => one.close?.())]);
        deadlines.close();
      })();
      return stopping;
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  return kernel;
}
