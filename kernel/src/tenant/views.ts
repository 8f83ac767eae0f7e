/** Puts together what the application calls of a tenant. */
import { createError, type Manifest } from '@plinth/sdk/contract';
import type { KernelHealth } from '../api/health.js';
import { createHostCommands } from '../api/host-commands.js';
import { createHostConfig } from '../api/host-config.js';
import { createHostEvents, createHostHooks } from '../api/host-events.js';
import { createHostMiddleware, type HostMiddleware } from '../api/host-middleware.js';
import { createHostPermissions } from '../api/host-permissions.js';
import { createHostPlugins } from '../api/host-plugins.js';
import { storageViewOf } from '../api/storage-view.js';
import type { HostContracts } from '../commands/host-contracts.js';
import type { ConfigStore } from '../config/config-store.js';
import type { ExtensionHost } from '../extension/extending.js';
import type { Lazy } from '../lazily.js';
import type { Arrivals } from '../lifecycle/arrivals.js';
import type { PluginHealth } from '../lifecycle/plugin-health.js';
import type { Deciding } from '../permissions/asking.js';
import type { PluginRecord } from '../plugin/record.js';
import type { Base } from './base.js';
import type { CoreTenant } from './core-tenant.js';
import type { Engine } from './engine.js';
import type { MadeExchange } from './exchange.js';
import type { Facts } from './facts.js';
import type { Parts } from './parts.js';
import type { Phases } from './phases.js';
import type { Security } from './security.js';
import type { Shared } from './shared.js';

/** What views look at. */
export interface ViewParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly made: MadeExchange;
  readonly hostContracts: HostContracts;
  readonly settings: ConfigStore;
  readonly parts: Parts;
  readonly deciding: Deciding;
  readonly engine: Lazy<Engine>;
  readonly facts: Facts;
  readonly phases: Phases;
  readonly arrivals: Arrivals;
  readonly extending: ExtensionHost;
  /** Rights of the plugins that are known. */
  security(): Security;
  /** When the tenant was made, in milliseconds of the monotonic clock. */
  readonly created: number;
}

/** What the application exchanges with plugins. */
export function exchangeViews({
  base,
  made,
  hostContracts,
  phases: { check },
}: ViewParts): Pick<
  CoreTenant,
  'client' | 'commands' | 'events' | 'hooks' | 'middleware' | 'provide'
> {
  const { reporting, options } = base;
  const { log, metrics } = reporting;
  const { commands, hooks, chains, bus, publish } = made.exchange;
  const middleware: HostMiddleware = createHostMiddleware(chains);
  for (const { target, use, ...place } of options.middleware ?? [])
    middleware.use(target, use, place);
  return {
    ...createHostCommands(commands, hooks, hostContracts, metrics, check),
    middleware,
    events: createHostEvents(bus, publish, log, check),
    hooks: createHostHooks(hooks, metrics, log, check),
  };
}

/** What the application decides about plugins. */
export function pluginViews(
  parts: ViewParts,
): Pick<CoreTenant, 'config' | 'permissions' | 'plugins'> {
  const { base, settings, deciding, engine, facts, phases, arrivals, security } = parts;
  const { registry } = base;
  const manifest = (id: string) => registry.manifest(id);
  const requireManifest = (id: string): Manifest => {
    const known = manifest(id);
    if (known !== undefined) return known;
    throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
  };
  const awaitManifest = async (id: string): Promise<Manifest> => {
    await phases.opened;
    await arrivals.arrival(id);
    return requireManifest(id);
  };
  return {
    plugins: createHostPlugins({
      registry,
      engine,
      circumstances: (record) => facts.circumstancesOf(record),
      health: (record) => healthOf(record, parts),
      opened: () => phases.opened,
      arrival: (id) => arrivals.arrival(id),
    }),
    config: createHostConfig(settings, requireManifest),
    permissions: createHostPermissions({
      rights: security,
      deciding,
      manifest,
      requireManifest,
      awaitManifest,
      providersChanged: async () => engine.now?.lifecycle.members.rightsChanged(),
    }),
  };
}

/** What plugins keep. */
export const keptViews = ({ engine }: ViewParts): Pick<CoreTenant, 'storage'> => ({
  storage: {
    of: (plugin) => storageViewOf(plugin, async (id) => (await engine.get()).storageOf(id)),
  },
});

async function healthOf(
  record: PluginRecord,
  { base: { limits, redaction }, facts }: ViewParts,
): Promise<PluginHealth> {
  const { pluginHealth } = await import('./opened.js');
  return pluginHealth(record, limits.hook, redaction, facts.circumstancesOf(record));
}

/** Health of the tenant and of its plugins. */
export async function tenantHealth(parts: ViewParts): Promise<KernelHealth> {
  const { base, shared, engine, phases, arrivals, extending, created } = parts;
  const stopped = phases.hasStopped;
  // Asked first, because it may report problems that the others include.
  const kept = stopped ? undefined : await shared.storageProblem();
  const plugins = await Promise.all(base.registry.all().map((record) => healthOf(record, parts)));
  const { kernelHealth } = await import('./opened.js');
  return kernelHealth({
    state: phases.state,
    plugins,
    kernel: phases.problem,
    storage: kept,
    sources: [...(engine.now?.lifecycle.members.problems ?? []), ...arrivals.pending],
    extensions: stopped ? { unhealthy: [], degraded: [] } : await extending.health(),
    uptime: performance.now() - created,
  });
}
