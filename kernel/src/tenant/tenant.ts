/**
 * One tenant: its plugins, and everything that they and the host exchange. Everything that a plugin
 * can reach is made once for each tenant, and never shared. What tenants have in common is in
 * {@link Shared}, which no plugin sees.
 */
import { ASYNC_DISPOSE, DEFAULT_TENANT, ownerOf, type PluginError } from '@plinth/sdk/contract';
import { MANAGEMENT } from '../calls/management-rights.js';
import type { Route } from '../calls/route.js';
import { HostContracts } from '../commands/host-contracts.js';
import { ConfigStore } from '../config/config-store.js';
import type { ExtendedTenant } from '../extension/extended-tenant.js';
import { NOT_EXTENDED } from '../extension/extending.js';
import { ConfigChanges } from '../extensions/live-config/config-changes.js';
import { Container } from '../extensions/services/container.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import { type Lazy, lazily } from '../lazily.js';
import { Arrivals } from '../lifecycle/arrivals.js';
import { drainOf } from '../lifecycle/drain.js';
import type { Deciding } from '../permissions/requests.js';
import { Targets } from '../registry/targets.js';
import { type Base, createBase } from './base.js';
import { installParts, manage } from './callers.js';
import type { Engine } from './engine.js';
import { createExchange, type MadeExchange } from './exchange.js';
import { Facts } from './facts.js';
import { hasStopped, Phases } from './phases.js';
import type { Shared } from './shared.js';
import type { KernelDiagnostics, TenantKernel } from './tenant-kernel.js';
import { exchangeViews, keptViews, pluginViews, tenantHealth, type ViewParts } from './views.js';

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
    this.#managing = lazily(() => manage(this.#viewParts(), this.kernel));
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
      trust: (found, known) => this.#running.security.trust.level(found, known),
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
      rightsOf: (manifest) => this.#running.security.rightsOf(manifest),
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
      grants: () => this.#running.security.grants,
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

  #viewParts(): ViewParts {
    return {
      base: this.#base,
      shared: this.#shared,
      made: this.#made,
      hostContracts: this.#hostContracts,
      config: this.#config,
      deciding: this.#deciding,
      engine: this.#engine,
      facts: this.#facts,
      phases: this.#phases,
      arrivals: this.#arrivals,
      extending: this.#extended ?? NOT_EXTENDED,
      security: () => this.#running.security,
      created: this.#created,
    };
  }

  #makeKernel(): TenantKernel {
    const { tenant, reporting } = this.#base;
    const phases = this.#phases;
    const parts = this.#viewParts();
    const kernel: TenantKernel = {
      version: KERNEL_VERSION,
      id: tenant,
      ...exchangeViews(parts),
      ...pluginViews(parts),
      ...keptViews(parts),
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
      health: () => tenantHealth(parts),
      start: () => phases.start(),
      stop: async (options) => phases.stop(drainOf(options, this.#base.limits)),
      [ASYNC_DISPOSE]: () => kernel.stop(),
    };
    const providers = (contract: string) => this.#targets.providersOf(contract);
    this.#extended?.install(installParts(parts, kernel, providers));
    return kernel;
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
}
