/**
 * `createKernel`: makes what all tenants share, the default tenant, and the other tenants on
 * request.
 */
import { ASYNC_DISPOSE, createError, DEFAULT_TENANT, messageOf } from '@plinth/sdk/contract';
import { Deadlines, Turn } from '@plinth/sdk/rpc';
import type { KernelHealth } from './api/health.js';
import { openContracts } from './calls/open-contracts.js';
import type { AnyExtension } from './extension/statics.js';
import type { WithExtensions } from './extension/with-extensions.js';
import { inlineHost } from './guests/inline-host.js';
import type { Host, PluginSource } from './host.js';
import { checkOptions, type KernelOptions } from './kernel-options.js';
import { lazily } from './lazily.js';
import { Discovery } from './lifecycle/discover.js';
import { drainOf } from './lifecycle/drain.js';
import { DEFAULT_LIMITS, limitsOf } from './limits.js';
import { memoryStorage } from './storage/memory-storage.js';
import { watchStorage } from './storage/watched-storage.js';
import type { Shared } from './tenant/shared.js';
import { createTenant } from './tenant/tenant.js';
import type { TenantKernel } from './tenant/tenant-kernel.js';

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

const TENANT_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

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
  const given: readonly Host[] = options.host === undefined ? [] : [options.host].flat();
  const hosts = [...given, inlineHost(given.find(({ context }) => context !== undefined))];
  const deadlines = new Deadlines();
  let discovery: Discovery | undefined;
  const watched = watchStorage(options.storage ?? memoryStorage());
  const wanted = options.extensions ?? [];
  const points = Object.keys(options.contributions ?? {}).length;
  const extend =
    wanted.length + points > 0 ? await import('./extension/extended-tenant.js') : undefined;
  const extensions = extend?.orderExtensions(wanted) ?? [];
  take(extensions);
  const sources: PluginSource[] = [...(options.sources ?? [])];
  const packages = lazily(async () => {
    const { Packages } = await import('./tenant/opened.js');
    return new Packages(watched.storage, limitsOf(options.limits).read, (name) =>
      all().some(({ plugins }) => plugins.get(name) !== undefined),
    );
  });
  const shared: Shared = {
    options,
    isOpen: openContracts(options.contracts),
    extend,
    extensions,
    addSource: (source) => void sources.push(source),
    hosts,
    storage: watched.storage,
    storageProblem: watched.problem,
    packages,
    deadlines,
    turn: new Turn(),
    discovery() {
      discovery ??= new Discovery(sources, options.limits?.discover ?? DEFAULT_LIMITS.discover);
      return discovery;
    },
  };
  let root: TenantKernel | undefined;
  const tenants = new Map<string, TenantKernel>();
  const all = () => [...(root === undefined ? [] : [root]), ...tenants.values()];
  const end = async () => {
    for (const { statics, close } of [...extensions].reverse())
      try {
        await close?.();
      } catch (error) {
        root?.logger.error(`the extension '${statics.name}' could not close: ${messageOf(error)}`);
      }
    await (await packages.begun?.catch(() => undefined))?.snapshots.close();
    await Promise.allSettled([shared.storage.close(), ...hosts.map((one) => one.close?.())]);
    deadlines.close();
  };
  try {
    root = createTenant(shared, DEFAULT_TENANT);
  } catch (error) {
    await end();
    throw error;
  }
  const own = root;
  /** Tenants that are stopping. */
  const leaving = new Map<string, Promise<void>>();
  let started = false;
  let stopping: Promise<void> | undefined;
  const kernel: Kernel = {
    ...own,
    tenant(id) {
      if (id === DEFAULT_TENANT) return kernel;
      if (typeof id !== 'string' || !TENANT_ID.test(id))
        throw createError(
          'kernel/invalid-option',
          `'${String(id).slice(0, 80)}' is not a tenant id: letters, digits, '.', '_' and '-', at most 128`,
          {
            details: { option: 'tenant' },
          },
        );
      if (stopping !== undefined)
        throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
      const known = tenants.get(id);
      if (known !== undefined) return known;
      // A tenant never has two guests of one plugin, so it waits for its predecessor to stop.
      const made = createTenant(shared, id, leaving.get(id));
      const tenant: TenantKernel = {
        ...made,
        stop(options) {
          const stopped = made.stop(options);
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
      // A caller that needs the tenant started awaits its own start(), which shares this one.
      if (started) tenant.start().catch(() => {});
      return tenant;
    },
    async start() {
      started = true;
      await own.start();
      // A stopping kernel prepares nothing, because nothing would release it.
      if (stopping === undefined) for (const host of hosts) host.prepare?.();
      await Promise.all([...tenants.values()].map((tenant) => tenant.start()));
      if (stopping !== undefined)
        throw createError(
          'kernel/stopped',
          'the kernel was stopped before it had started: make a new one',
        );
    },
    async health(): Promise<KernelHealth> {
      const others = [...tenants].map(async ([id, tenant]) => ({ id, ...(await tenant.health()) }));
      const [first, ...rest] = await Promise.all([own.health(), ...others]);
      const { withTenants } = await import('./tenant/opened.js');
      return withTenants(first, rest);
    },
    async stop(options) {
      drainOf(options, DEFAULT_LIMITS);
      stopping ??= (async () => {
        discovery?.close();
        // All tenants stop at once, so none of them takes new work from now on.
        const rootStopped = own.stop(options);
        await Promise.allSettled([
          rootStopped,
          ...leaving.values(),
          ...[...tenants.values()].map((tenant) => tenant.stop(options)),
        ]);
        await rootStopped;
        await end();
      })();
      return stopping;
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  // The application sees the typed events of extensions. The bus carries them like any other event.
  return kernel as unknown as KernelWith<E>;
}
