/** What plugins that manage plugins, and extensions of the kernel, reach of a tenant. */
import { DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { InstallParts } from '../extension/extended-tenant.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import type { TenantKernel } from './tenant-kernel.js';
import type { ViewParts } from './views.js';

/** Answers calls of plugins to the kernel itself. The code is loaded with the first such call. */
export async function manage(
  { base, shared, made, engine, created }: ViewParts,
  { plugins, config }: TenantKernel,
): Promise<void> {
  const { provideManagement } = await import('../api/management/providers.js');
  const { installer, security } = await engine.get();
  const { trust, grants, requests } = security;
  const { options, tenant, reporting } = base;
  provideManagement({
    commands: made.exchange.commands,
    metrics: reporting.metrics,
    grants,
    trust,
    policy: options.policy?.permissions,
    plugins,
    installer,
    config,
    hosts: shared.hosts,
    version: KERNEL_VERSION,
    tenant,
    uptime: () => performance.now() - created,
    consent: (question) => requests.consent(question),
    announce: reporting.announce,
  });
}

/**
 * What extensions are installed with.
 *
 * @param providers keys of the plugins that provide a contract, the best first.
 */
export function installParts(
  { base, shared, made, hostContracts, engine, phases, security }: ViewParts,
  kernel: TenantKernel,
  providers: (contract: string) => readonly string[],
): InstallParts {
  const { tenant, bus, redaction, storage, reporting } = base;
  const { hosts, isOpen, addSource } = shared;
  const { commands, publish } = made.exchange;
  return {
    tenant,
    bus,
    redaction,
    storage,
    commands,
    hostContracts,
    isOpen,
    metrics: reporting.metrics,
    grants: () => security().grants,
    lifecycle: async () => (await engine.get()).lifecycle,
    runtime: hosts.find((one) => one.runtime !== undefined)?.runtime,
    enable: (reference) => kernel.plugins.enable(reference),
    disable: (reference) => kernel.plugins.disable(reference),
    provide: (contract, handlers) => kernel.provide(contract, handlers),
    providers,
    publish,
    // Tenants share the sources, so the default tenant adds sources for all.
    addSource: (source) => {
      if (tenant === DEFAULT_TENANT) addSource(source);
    },
    check: phases.check,
  };
}
