/**
 * One tenant: its plugins, and everything that they and the host exchange. Everything that a plugin
 * can reach is made once for each tenant, and never shared. What tenants have in common is in
 * {@link Shared}, which no plugin sees.
 */
import {
  ASYNC_DISPOSE,
  createError,
  DEFAULT_TENANT,
  type Manifest,
  ownerOf,
  type PluginError,
} from '@plinth/sdk/contract';
import type { KernelHealth } from '../api/health.js';
import { createHostCommands } from '../api/host-commands.js';
import { createHostConfig } from '../api/host-config.js';
import { createHostEvents, createHostHooks } from '../api/host-events.js';
import { createHostMiddleware, type HostMiddleware } from '../api/host-middleware.js';
import { createHostPermissions } from '../api/host-permissions.js';
import { createHostPlugins } from '../api/host-plugins.js';
import { storageViewOf } from '../api/storage-view.js';
import { MANAGEMENT } from '../calls/management-rights.js';
import type { Route } from '../calls/route.js';
import { HostContracts } from '../commands/host-contracts.js';
import { ConfigStore } from '../config/config-store.js';
import type { ExtendedTenant } from '../extension/extended-tenant.js';
import { NOT_EXTENDED } from '../extension/extending.js';
import { ConfigChanges } from '../extensions/live-config/config-changes.js';
import { createHostMessaging } from '../extensions/messaging/host-messaging.js';
import { Container } from '../extensions/services/container.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import { type Lazy, lazily } from '../lazily.js';
import { Arrivals } from '../lifecycle/arrivals.js';
import { drainOf } from '../lifecycle/drain.js';
import type { PluginHealth } from '../lifecycle/plugin-health.js';
import type { Deciding } from '../permissions/requests.js';
import type { PluginRecord } from '../plugin/record.js';
import { Targets } from '../registry/targets.js';
import { type Base, createBase } from './base.js';
import type { Engine } from './engine.js';
import { createExchange, type MadeExchange } from './exchange.js';
import { Facts } from './facts.js';
import { hasStopped, Phases } from './phases.js';
import type { Shared } from './shared.js';
import type { KernelDiagnostics, TenantKernel } from './tenant-kernel.js';

/**
 * Makes one tenant of a kernel. It does not end shared parts.
 *
 * @param before what has to finish before this tenant opens: the stop of an earlier tenant with the
 * same id.
 */
export function createTenant(shared: Shared, tenant: string, before?: Promise<void>): TenantKernel {
  return new Tenant(shared, tenant, before).kernel;
}

const NOT_RUNNING = { quarantine: undefined, restart: undefined, blame: undefined };

/** Owns the parts of one tenant. They are made in the order of the fields. */
class Tenant {
  readonly #shared: Shared;
  readonly #created = performance.now();
  readonly #base: Base;
  readonly #services = new Container();
  readonly #hostContracts = new HostContracts();
  readonly #extended: ExtendedTenant | undefined;
  readonly #deciding: Deciding = { handler: undefined };
  readonly #facts: Facts;
  readonly #made: MadeExchange;
  readonly #config: { readonly store: ConfigStore; readonly changes: ConfigChanges };
  readonly #arrivals: Arrivals;
  readonly #targets: Targets;
  readonly #engine: Lazy<Engine>;
  readonly #managing: Lazy<void>;
  readonly #phases: Phases;
  readonly kernel: TenantKernel;

  constructor(shared: Shared, tenant: string, before: Promise<void> | undefined) {
    this.#shared = shared;
    const base = createBase(shared, tenant);
    this.#base = base;
    const { options, registry, reporting } = base;
    for (const [token, spec] of Object.entries(options.services ?? {}))
      this.#services.provide(token, spec);
    for (const contract of MANAGEMENT) this.#hostContracts.add(contract);
    this.#extended = this.#extend();
    this.#facts = new Facts(registry, (key) => this.#engine.now?.running(key) ?? NOT_RUNNING);
    this.#made = this.#makeExchange();
    this.#config = this.#makeConfig();
    this.#arrivals = new Arrivals({
      tenant,
      registry,
      log: reporting.log,
      discovery: () => shared.discovery(),
      intake: () => this.#engine.get(),
      isStopping: () => this.#phases.isStopping,
    });
    this.#targets = this.#makeTargets();
    this.#engine = lazily(() => this.#loadEngine());
    this.#managing = lazily(() => this.#manage());
    this.#phases = new Phases({
      base,
      shared,
      extending: this.#extended ?? NOT_EXTENDED,
      engine: this.#engine,
      arrivals: this.#arrivals,
      made: this.#made,
      config: this.#config,
      services: this.#services,
      before,
    });
    // Tenants share the storage, so only the default tenant reports damaged values.
    if (tenant === DEFAULT_TENANT)
      base.storage.onCorrupt?.((problem) => void this.#report(problem));
    this.kernel = this.#makeKernel();
  }

  async #report(problem: PluginError): Promise<void> {
    (await this.#engine.get().catch(() => undefined))?.report(problem);
  }

  #extend(): ExtendedTenant | undefined {
    const { extend, extensions } = this.#shared;
    const { options, limits, registry, reporting } = this.#base;
    if (extend === undefined) return undefined;
    const { contributions } = options;
    return new extend.ExtendedTenant({
      extensions,
      contributions,
      limits,
      log: reporting.log,
      registry,
      isEnabled: (key) => registry.isEnabled(key),
      trust: (found, known) => this.#running.trust.level(found, known),
    });
  }

  /** What runs plugins. There are no plugins before it is loaded. */
  get #running(): Engine {
    const { now } = this.#engine;
    if (now === undefined) throw new Error('the plugins of this kernel are not known yet');
    return now;
  }

  #makeExchange(): MadeExchange {
    const made = createExchange({
      base: this.#base,
      shared: this.#shared,
      extending: this.#extended ?? NOT_EXTENDED,
      facts: this.#facts,
      createScope: () => this.#services.createScope(),
      targets: () => this.#targets,
      activateFor: (id, route) => this.#activateFor(id, route),
      unknown: (id, route) => this.#unanswered(id, route),
      isOpening: () => this.#phases.isOpening,
      candidates: () => this.#engine.now?.guarding.candidates() ?? [],
      rightsOf: (manifest) => this.#running.rightsOf(manifest),
      deprecation: (owner, version) => this.#engine.now?.installer.deprecation(owner, version),
    });
    const extended = this.#extended;
    if (extended !== undefined) extended.around.onChange = () => made.exchange.chains.forget();
    return made;
  }

  #makeConfig(): { readonly store: ConfigStore; readonly changes: ConfigChanges } {
    const { options, registry, storage, tenant, reporting } = this.#base;
    const given = options.config ?? {};
    const store = new ConfigStore(
      given,
      (id) => registry.manifest(id),
      () => [...new Set(registry.all().map(({ id }) => id))],
    );
    const changes = new ConfigChanges({
      store,
      options: given,
      storage,
      tenant,
      log: reporting.log,
      announce: reporting.announce,
      manifests: (id) => registry.manifestsOf(id),
      reconfigure: async (id, taken, only) =>
        this.#engine.now?.lifecycle.reconfigure(id, taken, only),
    });
    return { store, changes };
  }

  #makeTargets(): Targets {
    const { registry } = this.#base;
    return new Targets({
      registry,
      grants: () => this.#running.grants,
      isOpen: this.#shared.isOpen,
      because: (record) => this.#facts.because(record),
      commands: () => this.#made.exchange.commands,
      waking: {
        activate: (key, by) => this.#running.lifecycle.activate(key, by),
        isStarting: (key) => registry.plugin(key)?.starting !== undefined,
        comeback: (key) => this.#engine.now?.supervisor.comeback(key),
        comes: (record) => this.#arrivals.comes(record),
        moreToCome: () => this.#arrivals.moreToCome(),
        hasStarted: () => this.#phases.hasStarted,
      },
    });
  }

  async #loadEngine(): Promise<Engine> {
    const [{ Engine }, packages] = await Promise.all([
      import('./opened.js'),
      this.#shared.packages.get(),
    ]);
    return new Engine({
      base: this.#base,
      shared: this.#shared,
      extending: this.#extended ?? NOT_EXTENDED,
      deciding: this.#deciding,
      packages,
      made: this.#made,
      hostContracts: this.#hostContracts,
      facts: this.#facts,
      config: this.#config,
      comes: (record) => this.#arrivals.comes(record),
    });
  }

  /** Activates the plugin that answers a command. */
  async #activateFor(commandId: string, route: Route | undefined): Promise<boolean> {
    await this.#phases.opened;
    if (!MANAGEMENT.has(ownerOf(commandId))) return this.#targets.wakeFor(commandId, route);
    await this.#managing.get();
    return this.#made.exchange.commands.answers(commandId);
  }

  #unanswered(id: string, route: Route | undefined): Error {
    const error = this.#targets.whyUnanswered(id, route);
    return this.#phases.isStopping && error.code === 'plugin/unavailable' ? hasStopped() : error;
  }

  /** Answers calls of plugins to the kernel itself. The code is loaded with the first such call. */
  async #manage(): Promise<void> {
    const { provideManagement } = await import('../api/management/providers.js');
    const { installer, trust, grants, requests } = await this.#engine.get();
    const { options, tenant, reporting } = this.#base;
    const { plugins, config } = this.kernel;
    provideManagement({
      commands: this.#made.exchange.commands,
      metrics: reporting.metrics,
      grants,
      trust,
      policy: options.policy?.permissions,
      plugins,
      installer,
      config,
      hosts: this.#shared.hosts,
      version: KERNEL_VERSION,
      tenant,
      uptime: () => performance.now() - this.#created,
      consent: (question) => requests.consent(question),
      announce: reporting.announce,
    });
  }

  #requireManifest(id: string): Manifest {
    const known = this.#base.registry.manifest(id);
    if (known === undefined)
      throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return known;
  }

  /** The same, but waits until all plugins are known. */
  async #awaitManifest(id: string): Promise<Manifest> {
    await this.#phases.opened;
    await this.#arrivals.arrival(id);
    return this.#requireManifest(id);
  }

  #makeKernel(): TenantKernel {
    const { tenant, reporting } = this.#base;
    const phases = this.#phases;
    const kernel: TenantKernel = {
      version: KERNEL_VERSION,
      id: tenant,
      ...this.#exchangeViews(),
      ...this.#pluginViews(),
      ...this.#keptViews(),
      services: this.#services,
      logger: reporting.log.logger('host'),
      metrics: { snapshot: () => reporting.metrics.snapshot() },
      extension: (factory) => (this.#extended ?? NOT_EXTENDED).api(factory) as never,
      contributions: (point) => (this.#extended ?? NOT_EXTENDED).contributions(point),
      providers: (contract) => {
        const keys = this.#targets.providersOf(
          typeof contract === 'string' ? contract : contract.$id,
        );
        return keys.flatMap((key) => kernel.plugins.get(key) ?? []);
      },
      diagnostics: () => this.#diagnostics(),
      health: () => this.#health(),
      start: () => phases.start(),
      stop: async (options) => phases.stop(drainOf(options, this.#base.limits)),
      [ASYNC_DISPOSE]: () => kernel.stop(),
    };
    this.#installExtensions(kernel);
    return kernel;
  }

  /** What the application exchanges with plugins. */
  #exchangeViews(): Pick<
    TenantKernel,
    'client' | 'commands' | 'events' | 'hooks' | 'messaging' | 'middleware' | 'provide'
  > {
    const { reporting, options } = this.#base;
    const { log, metrics } = reporting;
    const { commands, hooks, chains, bus, publish } = this.#made.exchange;
    const { check } = this.#phases;
    const host = createHostCommands(commands, hooks, this.#hostContracts, metrics, check);
    const middleware: HostMiddleware = createHostMiddleware(chains);
    for (const { target, use, ...place } of options.middleware ?? [])
      middleware.use(target, use, place);
    const messaging = async () => (await this.#engine.get()).messaging;
    return {
      ...host,
      middleware,
      events: createHostEvents(bus, publish, log, check),
      hooks: createHostHooks(hooks, metrics, log, check),
      messaging: createHostMessaging(messaging, commands, check),
    };
  }

  /** What the application decides about plugins. */
  #pluginViews(): Pick<TenantKernel, 'config' | 'permissions' | 'plugins'> {
    const { registry } = this.#base;
    const requireManifest = (id: string) => this.#requireManifest(id);
    const awaitManifest = (id: string) => this.#awaitManifest(id);
    const { store, changes } = this.#config;
    return {
      plugins: createHostPlugins({
        registry,
        engine: this.#engine,
        circumstances: (record) => this.#facts.circumstancesOf(record),
        health: (record) => this.#healthOf(record),
        opened: () => this.#phases.opened,
        arrival: (id) => this.#arrivals.arrival(id),
      }),
      config: createHostConfig(store, changes, requireManifest, awaitManifest),
      permissions: createHostPermissions({
        rights: () => this.#running,
        deciding: this.#deciding,
        manifest: (id) => registry.manifest(id),
        requireManifest,
        awaitManifest,
        providersChanged: async () => this.#engine.now?.lifecycle.rightsChanged(),
      }),
    };
  }

  /** What is kept of plugins. */
  #keptViews(): Pick<TenantKernel, 'audit' | 'secrets' | 'storage'> {
    const engine = this.#engine;
    return {
      secrets: {
        set: async (...what) => (await engine.get()).secrets.set(...what),
        delete: async (...what) => (await engine.get()).secrets.delete(...what),
        names: async (plugin) => (await engine.get()).secrets.names(plugin),
      },
      storage: {
        of: (plugin) => storageViewOf(plugin, async () => (await engine.get()).data),
      },
      audit: {
        entries: async (filter) => (await engine.get()).audit.entries(filter),
        verify: async (since) => (await engine.get()).audit.verify(since),
        head: async () => (await engine.get()).audit.head(),
        add: async (...what) => (await engine.get()).audit.add(...what),
      },
    };
  }

  async #healthOf(record: PluginRecord): Promise<PluginHealth> {
    const { limits, redaction } = this.#base;
    const { pluginHealth } = await import('./opened.js');
    return pluginHealth(record, limits.hook, redaction, this.#facts.circumstancesOf(record));
  }

  async #health(): Promise<KernelHealth> {
    const phases = this.#phases;
    const stopped = phases.hasStopped;
    // Asked first, because it may report problems that the others include.
    const kept = stopped ? undefined : await this.#shared.storageProblem();
    const records = this.#base.registry.all();
    const plugins = await Promise.all(records.map((record) => this.#healthOf(record)));
    const { unhealthy, degraded } = stopped
      ? { unhealthy: [], degraded: [] }
      : await (this.#extended ?? NOT_EXTENDED).health();
    const own = [phases.problem, kept, ...unhealthy].flatMap((problem) => problem ?? []);
    const { kernelHealth } = await import('./opened.js');
    const known = this.#engine.now?.lifecycle.problems ?? [];
    const problems = [...known, ...this.#arrivals.pending, ...degraded];
    return kernelHealth(phases.state, plugins, own, problems, performance.now() - this.#created);
  }

  #diagnostics(): KernelDiagnostics {
    return {
      version: KERNEL_VERSION,
      tenant: this.#base.tenant,
      state: this.#phases.state,
      plugins: this.kernel.plugins.list().map(({ id, version, state, enabled }) => ({
        id,
        ...(version !== undefined && { version }),
        state,
        enabled,
      })),
      extensions: (this.#extended ?? NOT_EXTENDED).diagnostics(),
    };
  }

  #installExtensions(kernel: TenantKernel): void {
    const { tenant, bus, redaction, storage, reporting } = this.#base;
    const { hosts, isOpen, addSource } = this.#shared;
    const { commands, publish } = this.#made.exchange;
    this.#extended?.install({
      tenant,
      bus,
      redaction,
      storage,
      commands,
      hostContracts: this.#hostContracts,
      isOpen,
      metrics: reporting.metrics,
      grants: () => this.#running.grants,
      lifecycle: async () => (await this.#engine.get()).lifecycle,
      runtime: hosts.find((one) => one.runtime !== undefined)?.runtime,
      enable: (reference) => kernel.plugins.enable(reference),
      disable: (reference) => kernel.plugins.disable(reference),
      provide: (contract, handlers) => kernel.provide(contract, handlers),
      providers: (contract) => this.#targets.providersOf(contract),
      publish,
      // Tenants share the sources, so the default tenant adds sources for all.
      addSource: (source) => {
        if (tenant === DEFAULT_TENANT) addSource(source);
      },
      check: this.#phases.check,
    });
  }
}
