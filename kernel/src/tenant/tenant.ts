/**
 * One tenant: its plugins, and everything that they and the host exchange. Everything that a plugin
 * can reach is made once for each tenant, and never shared. What tenants have in common is in
 * {@link Shared}, which no plugin sees.
 */
import { ASYNC_DISPOSE, DEFAULT_TENANT, ownerOf, type PluginError } from '@plinth/sdk/contract';
import type { KernelDiagnostics } from '../api/diagnostics.js';
import { contractId } from '../calls/contract-id.js';
import type { Route } from '../calls/route.js';
import { HostContracts } from '../commands/host-contracts.js';
import { shared } from '../concurrency.js';
import { ConfigStore } from '../config/config-store.js';
import type { ExtendedTenant } from '../extension/extended-tenant.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import { type Lazy, lazily } from '../lazily.js';
import { Arrivals } from '../lifecycle/arrivals.js';
import { drainOf } from '../lifecycle/drain.js';
import type { Deciding } from '../permissions/asking.js';
import { Targets } from '../registry/targets.js';
import { type Base, createBase } from './base.js';
import { installParts } from './callers.js';
import type { CoreTenant } from './core-tenant.js';
import type { Engine } from './engine.js';
import { createExchange, type MadeExchange } from './exchange.js';
import { Facts } from './facts.js';
import { Parts } from './parts.js';
import { hasStopped, Phases } from './phases.js';
import type { Shared } from './shared.js';
import { exchangeViews, keptViews, pluginViews, tenantHealth, type ViewParts } from './views.js';

/**
 * Makes one tenant of a kernel. It does not end shared parts.
 *
 * @param before what has to finish before this tenant opens: the stop of an earlier tenant with the
 * same id.
 */
export function createTenant(shared: Shared, tenant: string, before?: Promise<void>): CoreTenant {
  return new Tenant(shared, tenant, before).kernel;
}

const NOT_RUNNING = { quarantine: undefined, restart: undefined, blame: undefined };

/** Owns the parts of one tenant. They are made in the order of the fields. */
class Tenant {
  readonly #shared: Shared;
  readonly #created = performance.now();
  readonly #base: Base;
  readonly #hostContracts = new HostContracts();
  readonly #extended: ExtendedTenant;
  readonly #deciding: Deciding = { handling: undefined };
  readonly #facts: Facts;
  readonly #made: MadeExchange;
  readonly #settings: ConfigStore;
  readonly #arrivals: Arrivals;
  readonly #targets: Targets;
  readonly #engine: Lazy<Engine>;
  readonly #parts: Parts;
  readonly #phases: Phases;
  /** The members of the core, and the same with those of built-in extensions. */
  readonly #own: CoreTenant;
  readonly kernel: CoreTenant;

  constructor(shared: Shared, tenant: string, before: Promise<void> | undefined) {
    this.#shared = shared;
    const base = createBase(shared, tenant);
    this.#base = base;
    const { registry, reporting } = base;
    this.#parts = this.#makeParts();
    this.#extended = this.#extend();
    this.#facts = new Facts(registry, (key) => this.#engine.now?.running(key) ?? NOT_RUNNING);
    this.#made = this.#makeExchange();
    this.#settings = this.#makeSettings();
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
    this.#phases = new Phases({
      base,
      shared,
      extending: this.#extended,
      engine: this.#engine,
      arrivals: this.#arrivals,
      made: this.#made,
      settings: this.#settings,
      parts: this.#parts,
      before,
    });
    this.#own = this.#makeKernel();
    this.kernel = this.#compose(this.#own);
    // Tenants share the storage, so only the default tenant reports damaged values.
    if (tenant === DEFAULT_TENANT)
      base.storage.onCorrupt?.((problem) => void this.#report(problem));
  }

  async #report(problem: PluginError): Promise<void> {
    (await this.#engine.get().catch(() => undefined))?.report(problem);
  }

  #extend(): ExtendedTenant {
    const { extend, extensions } = this.#shared;
    const { options, limits, registry, reporting } = this.#base;
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
      extending: this.#extended,
      facts: this.#facts,
      entrance: this.#parts.entrance,
      createScope: () => this.#parts.createScope(),
      targets: () => this.#targets,
      activateFor: (id, route) => this.#activateFor(id, route),
      unknown: (id, route) => this.#unanswered(id, route),
      isOpening: () => this.#phases.isOpening,
      candidates: () => this.#engine.now?.guarding.candidates() ?? [],
      rightsOf: (manifest) => this.#running.security.rightsOf(manifest),
      deprecation: (owner, version) => this.#engine.now?.inventory.deprecation(owner, version),
    });
    this.#extended.around.onChange = () => made.exchange.chains.forget();
    return made;
  }

  #makeParts(): Parts {
    return new Parts({
      base: this.#base,
      hostContracts: this.#hostContracts,
      commands: () => this.#made.exchange.commands,
      check: () => this.#phases.check(),
      made: async () => (await this.#engine.get()).core,
      known: async (plugin) => {
        await this.#phases.opened;
        // What is asked for together keeps its order.
        const isKnown = plugin === undefined || this.#base.registry.find(plugin) !== undefined;
        if (!isKnown) await this.#arrivals.arrival(plugin);
      },
    });
  }

  #makeSettings(): ConfigStore {
    const { options, registry } = this.#base;
    return new ConfigStore(
      options.config ?? {},
      this.#shared.environment,
      (id) => registry.manifest(id),
      () => [...new Set(registry.all().map(({ id }) => id))],
    );
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
        comeback: (key) => registry.plugin(key)?.intent.restart?.over.promise,
        comes: (record) => this.#arrivals.comes(record),
        moreToCome: () => this.#arrivals.moreToCome(),
        hasStarted: () => this.#phases.hasStarted,
      },
    });
  }

  async #loadEngine(): Promise<Engine> {
    // An extension that asks for something while it is installed doesn't leave out later ones.
    await Promise.resolve();
    const [{ Engine }, packages] = await Promise.all([
      import('./opened.js'),
      this.#shared.packages.get(),
      this.#parts.load(),
    ]);
    return new Engine({
      base: this.#base,
      shared: this.#shared,
      extending: this.#extended,
      deciding: this.#deciding,
      packages,
      made: this.#made,
      hostContracts: this.#hostContracts,
      facts: this.#facts,
      settings: this.#settings,
      parts: this.#parts,
      created: this.#created,
      views: () => this.#own,
      arrivals: this.#arrivals,
    });
  }

  /** Activates the plugin that answers a command. */
  async #activateFor(commandId: string, route: Route | undefined): Promise<boolean> {
    await this.#phases.opened;
    const answering = this.#parts.answering(ownerOf(commandId));
    if (answering === undefined) return this.#targets.wakeFor(commandId, route);
    await answering.get();
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
      settings: this.#settings,
      parts: this.#parts,
      deciding: this.#deciding,
      engine: this.#engine,
      facts: this.#facts,
      phases: this.#phases,
      arrivals: this.#arrivals,
      extending: this.#extended,
      security: () => this.#running.security,
      created: this.#created,
    };
  }

  #makeKernel(): CoreTenant {
    const { tenant, reporting } = this.#base;
    const phases = this.#phases;
    const parts = this.#viewParts();
    const kernel: CoreTenant = {
      version: KERNEL_VERSION,
      id: tenant,
      ...exchangeViews(parts),
      ...pluginViews(parts),
      ...keptViews(parts),
      logger: reporting.log.logger('host'),
      metrics: { snapshot: () => reporting.metrics.snapshot() },
      extension: (factory) => this.#extended.api(factory) as never,
      contributions: (point) => this.#extended.contributions(point),
      providers: (contract) => {
        const keys = this.#targets.providersOf(contractId(contract));
        return keys.flatMap((key) =>
          // A canary gets calls, and isn't an answer to who provides something.
          this.#base.registry.behind.has(key) ? [] : (kernel.plugins.get(key) ?? []),
        );
      },
      diagnostics: () => this.#diagnostics(),
      // Those who ask at once share an answer, so that it may be asked for often.
      health: shared(() => tenantHealth(parts)),
      open: () => phases.open(),
      start: () => phases.start(),
      stop: async (options) => phases.stop(drainOf(options, this.#base.limits)),
      [ASYNC_DISPOSE]: () => kernel.stop(),
    };
    return kernel;
  }

  /** Installs the extensions, and adds what built-in ones offer. */
  #compose(core: CoreTenant): CoreTenant {
    const providers = (contract: string) => this.#targets.providersOf(contract);
    this.#extended.install(installParts(this.#viewParts(), core, providers));
    return this.#shared.compose(core, (name) => this.#extended.find(name));
  }

  #diagnostics(): KernelDiagnostics {
    const known = {
      version: KERNEL_VERSION,
      tenant: this.#base.tenant,
      state: this.#phases.state,
      uptime: performance.now() - this.#created,
      ...this.#extended.diagnostics(),
    };
    return this.#engine.now?.diagnostics(known) ?? { ...known, plugins: [] };
  }
}
