/**
 * What runs the plugins of a tenant: their rights, their guests, their lifecycle, and what is kept
 * of them. Its code is loaded while the first manifests are read.
 */
import { DEFAULT_TENANT, type Isolation } from '@plinth/sdk/contract';
import { Chronicle } from '../api/chronicle.js';
import type { BasicDiagnostics, KernelDiagnostics } from '../api/diagnostics.js';
import { diagnosticsOf } from '../api/diagnostics.js';
import { detailsText, type ExplanationDetails, explainDetails } from '../api/explain-details.js';
import { type ExplainedStory, explainStory } from '../api/explain-story.js';
import { nextStep, type StepParts, unknownStep } from '../api/next-step.js';
import type { Core, SettingsPart } from '../extension/core.js';
import { type Metering, NO_METERING } from '../guests/guest-meter.js';
import type { Lanes } from '../guests/lanes.js';
import type { PluginPackage } from '../host.js';
import type { Intake } from '../lifecycle/arrivals.js';
import { Bundles } from '../lifecycle/bundles.js';
import { type Inventory, PlainInventory } from '../lifecycle/inventory.js';
import type { Launcher } from '../lifecycle/launcher.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { Relations } from '../lifecycle/relations.js';
import { Servers } from '../lifecycle/servers.js';
import { NO_SUPERVISION, type Supervision } from '../lifecycle/supervision.js';
import { packagesAmong } from '../lifecycle/take-packages.js';
import { type Asking, NOT_ASKED } from '../permissions/asking.js';
import { isRunning, manifestOf, type PluginRecord } from '../plugin/record.js';
import type { MayProvide } from '../registry/graph-node.js';
import { StorageNamespace } from '../storage/namespace.js';
import { StorageBudget } from '../storage/storage-budget.js';
import { TenantCore } from './core-of.js';
import type { EngineParts } from './engine-parts.js';
import type { Running } from './facts.js';
import { Guarding } from './guarding.js';
import { createGuestServices } from './guest-services.js';
import { createLanes } from './lanes-of.js';
import { createLauncher, createLifecycle } from './lifecycle-of.js';
import { Security } from './security.js';
import { deferOf } from './shared.js';

/** What is said of a plugin beside its state. */
export interface Details {
  readonly details: ExplanationDetails & ExplainedStory;
  readonly text: string;
}

const NO_SETTINGS: SettingsPart = { open: async () => {}, close: async () => {} };

const UNBOUNDED = { quota: Number.POSITIVE_INFINITY, keys: Number.POSITIVE_INFINITY };

/** Owns what runs the plugins of one tenant. Its parts are made in the order of the fields. */
export class Engine implements Intake {
  readonly core: Core;
  readonly security: Security;
  readonly requests: Asking;
  readonly lanes: Lanes;
  readonly bundles: Bundles;
  readonly metering: Metering;
  readonly launcher: Launcher;
  readonly supervisor: Supervision;
  readonly budget: StorageBudget;
  readonly lifecycle: Lifecycle;
  readonly guarding: Guarding;
  readonly settings: SettingsPart;
  readonly inventory: Inventory;
  readonly #chronicle: Chronicle;
  readonly relations: Relations;
  readonly #parts: EngineParts;
  #resolves = false;

  constructor(made: EngineParts) {
    const { base, shared, packages, parts, facts } = made;
    const { registry, reporting, limits } = base;
    this.#parts = made;
    this.#chronicle = new Chronicle(base.bus);
    const core = new TenantCore(made, this);
    this.core = core;
    this.security = new Security(made, core);
    const { grants } = this.security;
    const mayProvide: MayProvide = (manifest, contract) => grants.mayProvide(manifest, contract);
    this.relations = new Relations(
      registry,
      made.hostContracts,
      new Servers(registry, shared.isOpen, mayProvide),
    );
    this.requests = parts.make('requests', core) ?? NOT_ASKED;
    this.lanes = createLanes(base, shared, made.made.exchange, this.security.grants);
    this.bundles = new Bundles(packages.code, limits, deferOf(shared));
    this.metering = parts.make('metering', core) ?? NO_METERING;
    this.launcher = createLauncher(made, this.security, this.metering);
    this.supervisor = parts.make('supervision', core) ?? NO_SUPERVISION;
    this.budget = new StorageBudget(base.storage, base.tenant, this.metering.tenant.storage);
    const services = createGuestServices(made, this, core);
    this.lifecycle = createLifecycle(made, this, services);
    this.guarding = new Guarding({
      registry,
      grants: this.security.grants,
      absenceOf: (id, record) => facts.absenceOf(id, record),
      wake: (record, activation) => this.#wakeGuard(record, activation),
    });
    this.settings = parts.make('settings', core) ?? NO_SETTINGS;
    const { lifecycle } = this;
    this.inventory =
      parts.make('inventory', core) ?? new PlainInventory({ registry, lifecycle, reporting });
    parts.makeOthers(core);
    this.#listen();
  }

  /** What depends on the plugins hears of each change of them. */
  #listen(): void {
    const { base, extending, made, hostContracts } = this.#parts;
    const { registry } = base;
    const { chains } = made.exchange;
    registry.onChange = (record) => {
      extending.changed();
      if (this.guarding.isGuard(record)) chains.review();
    };
    this.security.grants.onChange = (id) => {
      const versions = registry.versions(id);
      if (versions.some((record) => this.guarding.isGuard(record))) chains.review();
      // What needs it may have lost or got a provider.
      const offersToOthers = versions.some((record) =>
        manifestOf(record)?.provides?.some((contract) => !contract.startsWith(`${id}@`)),
      );
      if (offersToOthers) this.#resolveSoon();
    };
    extending.rights.onChange = (extension, id) => {
      const ids = id === undefined ? registry.all().map((record) => record.id) : [id];
      for (const one of new Set(ids)) this.security.grants.changed(one);
      // One that was a guard until now isn't among them any more.
      chains.review();
      base.reporting.announce('permission:changed', { extension, ...(id && { plugin: id }) });
      void this.lifecycle.members.rightsChanged();
    };
    // Deferred, so that a contract that the host only replaces is never reported as gone.
    hostContracts.onChange = () => void Promise.resolve().then(() => this.lifecycle.reconsider());
  }

  /** Resolves all plugins once for all rights that change in one turn. */
  #resolveSoon(): void {
    if (this.#resolves) return;
    this.#resolves = true;
    void Promise.resolve().then(() => {
      this.#resolves = false;
      return this.lifecycle.members.rightsChanged();
    });
  }

  #wakeGuard(record: PluginRecord, activation: string): void {
    const { key, state } = record;
    if (
      state !== 'resolved' ||
      this.#parts.arrivals.comes(record) ||
      this.lifecycle.isStarting(key)
    )
      return;
    this.lifecycle.activate(key, activation).catch(() => {});
  }

  /** The restarts of a plugin, and why it is paused. */
  running(key: string): Running {
    const intent = this.#parts.base.registry.plugin(key)?.intent;
    return {
      quarantine: intent?.quarantine,
      restart: intent?.restart,
      blame: this.lifecycle.blameFor(key),
      pausedFor: this.lifecycle.pausedFor(key),
    };
  }

  /** What a plugin lacks and uses, as data and in words, and what happened to it. */
  detailsOf(record: PluginRecord, path: readonly string[]): Details {
    const { base, hostContracts } = this.#parts;
    const { registry, reporting } = base;
    const { grants, trust } = this.security;
    const { launcher, metering } = this;
    const details = explainDetails(record, {
      registry,
      grants,
      limitsOf: (found, manifest) => metering.limitsOf(manifest, trust.level(found, manifest)),
      hostContracts,
      isolationOf: (one) => launcher.isolationOf(one),
    });
    const story = explainStory(record, {
      ...this.#stepParts,
      relations: this.relations,
      path,
      recorder: reporting.metrics.recorder,
    });
    const canary = this.inventory.canaryOf?.(record.id);
    const all = canary === undefined ? details : { ...details, canary };
    return { details: { ...all, ...story }, text: detailsText(all) };
  }

  /** The state of the tenant as one document of plain JSON. */
  diagnostics(known: BasicDiagnostics): KernelDiagnostics {
    const { base, facts, shared } = this.#parts;
    const { registry, redaction, reporting, limits } = base;
    return diagnosticsOf(known, {
      registry,
      redaction,
      reporting,
      limits,
      together: this.metering.tenant,
      hosts: shared.hosts,
      problems: this.lifecycle.members.problems,
      becauseOf: (record) => facts.because(record),
      nextFor: (record) => nextStep(record, this.#stepParts),
      isolationOf: (record) => this.#isolationOf(record),
    });
  }

  get #stepParts(): StepParts {
    const { base, facts } = this.#parts;
    return {
      registry: base.registry,
      circumstancesOf: (record) => facts.circumstancesOf(record),
      storyOf: (id) => this.#chronicle.of(id),
      causeOf: (record) => this.relations.why.cause(record),
    };
  }

  /** Undefined for a plugin that can't be isolated as it asks, or whose manifest isn't known. */
  #isolationOf(record: PluginRecord): Isolation | undefined {
    const manifest = manifestOf(record);
    try {
      return manifest && this.launcher.isolationOf({ manifest, package: record.package });
    } catch {
      return undefined;
    }
  }

  /** What is known of a plugin that isn't installed. */
  unknown(id: string): Pick<ExplainedStory, 'next'> {
    const ids = new Set(this.#parts.base.registry.all().map((record) => record.id));
    return { next: unknownStep(id, [...ids]) };
  }

  /** What a plugin keeps. It counts what the plugin uses where that runs. */
  storageOf(id: string): StorageNamespace {
    const { registry, storage, tenant } = this.#parts.base;
    const running = registry.versions(id).find((record) => isRunning(record));
    if (running !== undefined && isRunning(running)) return running.connection.storage;
    return new StorageNamespace(storage, tenant, id, UNBOUNDED, this.budget);
  }

  async admit(packages: Parameters<Intake['admit']>[0]): Promise<void> {
    await this.inventory.admit(this.taken(packages));
  }

  /** Packages as all tenants use them, without what is no package, which is reported. */
  taken(found: readonly PluginPackage[]): readonly PluginPackage[] {
    const packages = packagesAmong(found, (problem) => this.report(problem));
    return packages.map((one) => this.#parts.packages.take(one));
  }

  report(problem: Parameters<Intake['report']>[0]): void {
    this.lifecycle.members.report(problem);
  }

  async startAll(): Promise<void> {
    const { options, tenant } = this.#parts.base;
    if (options.tenants === 'only' && tenant === DEFAULT_TENANT) return;
    return this.lifecycle.activateAll('startup');
  }

  /** Nothing is asked, restarted or measured from now on. */
  release(): void {
    this.requests.close();
    this.supervisor.close();
    this.metering.close();
  }
}
