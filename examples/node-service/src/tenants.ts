/** Which tenant a request is for, and the tenants as `tenants.json` says. */
import { tenants } from '@plinth/kernel/tenants';
import type { NodeKernel } from './kernel.ts';
import type { Settings } from './settings.ts';

/** An address is no name of a tenant. Those that ask for health know the service by it. */
const ADDRESS = /^([\d.]+|\[.*\]|localhost)$/;

/**
 * The tenant in the host name of a request. Undefined: the service itself, which has health and the
 * admin API. A host that isn't the service's is a tenant that isn't there.
 */
export function tenantIn({ url }: Request, { domain }: Settings): string | undefined {
  const { hostname } = new URL(url);
  if (hostname === domain || ADDRESS.test(hostname)) return undefined;
  return hostname.endsWith(`.${domain}`) ? hostname.slice(0, -domain.length - 1) : hostname;
}

/**
 * Creates the tenants that aren't there, starts all, and gives each its settings and secrets. Those
 * that `tenants.json` doesn't name any more stay, and are served no more: an operator deletes them.
 */
export async function openTenants(kernel: NodeKernel, settings: Settings): Promise<void> {
  const customers = kernel.extension(tenants).manage(kernel);
  const there = new Set((await customers.list()).map(({ id }) => id));
  for (const { id, config, linkKey } of settings.tenants.values()) {
    const tenant = there.has(id) ? customers.get(id) : await customers.create(id);
    await tenant.start();
    await tenant.secrets.set('com.example.notes', 'link-key', linkKey);
    // Not kept: at the next start, the file counts again.
    for (const [plugin, values] of Object.entries(config))
      await tenant.config.set(plugin, values, 'runtime');
  }
}
