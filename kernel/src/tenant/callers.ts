/** What extensions of the kernel reach of a tenant. */
import { DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { InstallParts } from '../extension/extended-tenant.js';
import type { CoreTenant } from './core-tenant.js';
import type { ViewParts } from './views.js';

/**
 * What extensions are installed with.
 *
 * @param providers keys of the plugins that provide a contract, the best first.
 */
export function installParts(
  { base, shared, made, hostContracts, engine, parts, phases, security }: ViewParts,
  kernel: CoreTenant,
  providers: (contract: string) => readonly string[],
): InstallParts {
  const { tenant, bus, redaction, storage, reporting, options } = base;
  const { hosts, isOpen, addSource } = shared;
  const { commands, publish } = made.exchange;
  return {
    tenant,
    tenants: options.tenants,
    bus,
    redaction,
    storage,
    commands,
    hostContracts,
    isOpen,
    metrics: reporting.metrics,
    core: parts.power,
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
