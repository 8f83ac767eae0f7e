/**
 * What runs the plugins of a tenant: who may do what, their guests, their lifecycle, and what is
 * kept of them. Its code is loaded while the first manifests are read.
 */
import { detailsText, type ExplanationDetails, explainDetails } from '../api/explain-details.js';
import { AuditLog } from '../extensions/audit/audit-log.js';
import { Hibernation } from '../extensions/hibernation/hibernation.js';
import { Installer } from '../extensions/installer/installer.js';
import { PluginData } from '../extensions/installer/plugin-data.js';
import { TimesLog } from '../extensions/installer/plugin-times.js';
import { RegistryStore } from '../extensions/installer/registry-store.js';
import { ResourceWatch } from '../extensions/limits/resource-watch.js';
import { Messaging } from '../extensions/messaging/messaging.js';
import { supervisionOf } from '../extensions/supervision/options.js';
import { Supervisor } from '../extensions/supervision/supervisor.js';
import type { Lanes } from '../guests/lanes.js';
import type { PluginPackage } from '../host.js';
import type { Intake } from '../lifecycle/arrivals.js';
import { Bundles } from '../lifecycle/bundles.js';
import type { Launcher } from '../lifecycle/launcher.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { PluginRecord } from '../plugin/record.js';
import { StorageBudget } from '../storage/storage-budget.js';
import type { EngineParts } from './engine-parts.js';
import type { Running } from './facts.js';
import { Guarding } from './guarding.js';
import { createGuestServices } from './guest-services.js';
import { createLanes } from './lanes-of.js';
import { createLauncher, createLifecycle } from './lifecycle-of.js';
import { Security } from './security.js';
import { debugged, deferOf } from './shared.js';

/** What is said of a plugin beside its state. */
export interface Details {
  readonly details: ExplanationDetails;
  readonly text: string;
}

/** Owns what runs the plugins of one tenant. Its parts are made in the order of the fields. */
export class Engine implements Intake {
  readonly audit: AuditLog;
  readonly security: Security;
  readonly launcher: Launcher;
  readonly supervisor: Supervisor;
  readonly messaging: Messaging;
  readonly lifecycle: Lifecycle;
  readonly guarding: Guarding;
  readonly data: PluginData;
  readonly installer: Installer;
  readonly times: TimesLog;
  readonly hibernation: Hibernation;
  readonly #parts: EngineParts;
  readonly #lanes: Lanes;
  readonly #bundles: Bundles;
  readonly #resources: ResourceWatch;
  readonly #budget: StorageBudget;

  constructor(parts: EngineParts) {
    const { base, shared, made, packages } = parts;
    const { tenant, options, limits, storage, bus, reporting } = base;
    const { log } = reporting;
    this.#parts = parts;
    this.audit = new AuditLog({ bus, storage, tenant, log });
    this.security = new Security(parts);
    this.#lanes = createLanes(base, shared, made.exchange, this.security.grants);
    this.#bundles = new Bundles(packages.code, limits, deferOf(shared));
    this.launcher = createLauncher(parts, this.security);
    this.supervisor = this.#makeSupervisor();
    this.#resources = this.#makeResources();
    this.#budget = new StorageBudget(storage, tenant, this.#resources.tenant.storage);
    this.messaging = this.#makeMessaging();
    this.lifecycle = this.#makeLifecycle();
    this.guarding = this.#makeGuarding();
    this.data = this.#makeData();
    this.installer = this.#makeInstaller();
    this.times = this.#makeTimes();
    this.hibernation = this.#makeHibernation(options.hibernation);
    this.#listen();
  }

  #makeSupervisor(): Supervisor {
    const { base, shared } = this.#parts;
    const { options, limits, reporting } = base;
    return new Supervisor({
      options: supervisionOf(options.supervision),
      log: reporting.log,
      hookTimeout: limits.hook,
      debugged: () => debugged(shared),
      announce: reporting.announce,
      restart: (key) => this.lifecycle.restart(key),
      isToBlame: (key, error) => this.lifecycle.isToBlame(key, error),
      givenUp: () => this.lifecycle.givenUp(),
    });
  }

  #makeResources(): ResourceWatch {
    const { options, reporting } = this.#parts.base;
    return new ResourceWatch({
      policy: options.policy?.resources,
      log: reporting.log,
      announce: reporting.announce,
      suspend: (guest, blame) => this.lifecycle.suspendOver(guest, blame),
      resume: (guest) => this.lifecycle.resumeOver(guest),
    });
  }

  #makeMessaging(): Messaging {
    const { base, made, facts } = this.#parts;
    const { commands, hooks } = made.exchange;
    return new Messaging({
      commands,
      hooks,
      log: base.reporting.log,
      manifest: (id) => base.registry.manifest(id),
      activationOf: (id) => this.lifecycle.activationOf(id),
      whyAbsent: (id) => facts.whyAbsent(id),
    });
  }

  #makeLifecycle(): Lifecycle {
    const { launcher, supervisor, security, messaging } = this;
    const [lanes, bundles] = [this.#lanes, this.#bundles];
    const services = createGuestServices(this.#parts, security, {
      lanes,
      messaging,
      resources: this.#resources,
      budget: this.#budget,
    });
    const made = { bundles, launcher, lanes, services, supervisor };
    return createLifecycle(this.#parts, security, made);
  }

  #makeGuarding(): Guarding {
    const { base, facts } = this.#parts;
    return new Guarding({
      registry: base.registry,
      grants: this.security.grants,
      absenceOf: (id, record) => facts.absenceOf(id, record),
      wake: (record, activation) => this.#wakeGuard(record, activation),
    });
  }

  #makeData(): PluginData {
    const { base, config } = this.#parts;
    const { registry, storage, tenant } = base;
    const { grants, trust, secrets, owners } = this.security;
    const kept = { registry, storage, tenant, budget: this.#budget };
    return new PluginData({ ...kept, secrets, grants, trust, owners, config: config.changes });
  }

  #makeInstaller(): Installer {
    const { base, packages, made } = this.#parts;
    const { tenant, storage, registry, reporting, redaction, bus, options, limits } = base;
    const { lifecycle, launcher, data } = this;
    const { trust, owners, requests } = this.security;
    return new Installer({
      registry,
      lifecycle,
      store: new RegistryStore(storage, tenant, (problem) => this.report(problem)),
      data,
      consent: (question) => requests.consent(question),
      bundles: this.#bundles,
      launcher,
      snapshots: packages.snapshots,
      trust,
      owners,
      policy: options.policy ?? {},
      limits,
      reporting,
      redaction,
      bus,
      commands: made.exchange.commands,
      lanes: this.#lanes,
    });
  }

  #makeTimes(): TimesLog {
    const { tenant, storage, registry, reporting, bus } = this.#parts.base;
    return new TimesLog({
      bus,
      storage,
      tenant,
      log: reporting.log,
      ids: () => new Set(registry.manifests().map(({ id }) => id)),
      versions: (id) => registry.manifestsOf(id).map(({ version }) => version),
    });
  }

  #makeHibernation(options: ConstructorParameters<typeof Hibernation>[0]): Hibernation {
    const { registry, reporting } = this.#parts.base;
    const { lifecycle } = this;
    return new Hibernation(options, {
      registry,
      lifecycle,
      lanes: this.#lanes,
      log: reporting.log,
    });
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
      if (registry.versions(id).some((record) => this.guarding.isGuard(record))) chains.review();
    };
    // Deferred, so that a contract that the host only replaces is never reported as gone.
    hostContracts.onChange = () => void Promise.resolve().then(() => this.lifecycle.hostChanged());
  }

  #wakeGuard(record: PluginRecord, activation: string): void {
    const { key, state } = record;
    if (state !== 'resolved' || this.#parts.comes(record) || this.lifecycle.isStarting(key)) return;
    this.lifecycle.activate(key, activation).catch(() => {});
  }

  /** The restarts of a plugin, and why it is paused. */
  running(key: string): Running {
    return {
      quarantine: this.supervisor.quarantine(key),
      restart: this.supervisor.planned(key),
      blame: this.lifecycle.blameFor(key),
      pausedFor: this.lifecycle.pausedFor(key),
    };
  }

  /** What a plugin lacks and uses, as data and in words. */
  detailsOf(record: PluginRecord): Details {
    const { base, hostContracts } = this.#parts;
    const { registry, options } = base;
    const { grants, trust } = this.security;
    const { launcher } = this;
    const details = explainDetails(record, {
      registry,
      grants,
      policy: options.policy ?? {},
      trust,
      hostContracts,
      isolationOf: (one) => launcher.isolationOf(one),
    });
    return { details, text: detailsText(details) };
  }

  async admit(packages: Parameters<Intake['admit']>[0]): Promise<void> {
    await this.installer.admit(this.taken(packages));
    this.times.look();
  }

  /** Packages as all tenants use them. */
  taken(packages: readonly PluginPackage[]): readonly PluginPackage[] {
    return packages.map((found) => this.#parts.packages.take(found));
  }

  report(problem: Parameters<Intake['report']>[0]): void {
    this.lifecycle.members.report(problem);
  }

  startAll(): Promise<void> {
    return this.lifecycle.activateAll('startup');
  }

  /** Nothing is restarted, judged or put to sleep from now on. */
  release(): void {
    this.supervisor.close();
    this.#resources.close();
    this.hibernation.close();
  }
}
