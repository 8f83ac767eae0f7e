/**
 * What runs the plugins of a tenant: their admission, their guests, their lifecycle, and what is
 * kept of them. Its code is loaded while the first manifests are read.
 */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import { detailsText, type ExplanationDetails, explainDetails } from '../api/explain-details.js';
import type { HostContracts } from '../commands/host-contracts.js';
import type { ConfigStore } from '../config/config-store.js';
import type { Extending } from '../extension/extending.js';
import { AuditLog } from '../extensions/audit/audit-log.js';
import { Hibernation } from '../extensions/hibernation/hibernation.js';
import { Installer } from '../extensions/installer/installer.js';
import { Owners } from '../extensions/installer/owners.js';
import { PluginData } from '../extensions/installer/plugin-data.js';
import { TimesLog } from '../extensions/installer/plugin-times.js';
import { RegistryStore } from '../extensions/installer/registry-store.js';
import { limitsFor } from '../extensions/limits/resource-policy.js';
import { ResourceWatch } from '../extensions/limits/resource-watch.js';
import type { ConfigChanges } from '../extensions/live-config/config-changes.js';
import { Messaging } from '../extensions/messaging/messaging.js';
import { Network } from '../extensions/network/network.js';
import { Secrets } from '../extensions/secrets/secrets.js';
import { supervisionOf } from '../extensions/supervision/options.js';
import { Supervisor } from '../extensions/supervision/supervisor.js';
import { Trust } from '../extensions/trust/trust.js';
import type { GuestServices } from '../guests/guest-services.js';
import type { Lanes } from '../guests/lanes.js';
import { abilityOf, type PluginPackage } from '../host.js';
import { KERNEL_VERSION } from '../kernel-options.js';
import { Admission } from '../lifecycle/admission.js';
import type { Intake } from '../lifecycle/arrivals.js';
import { Bundles } from '../lifecycle/bundles.js';
import { Launcher } from '../lifecycle/launcher.js';
import { Ledger } from '../lifecycle/ledger.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { Loader } from '../lifecycle/load.js';
import { Relations } from '../lifecycle/relations.js';
import type { Stages } from '../lifecycle/stages.js';
import type { PermissionSet } from '../permissions/broker.js';
import { Grants } from '../permissions/grants.js';
import { permissionsOf } from '../permissions/permissions-of.js';
import { type Deciding, PermissionRequests } from '../permissions/requests.js';
import type { PluginRecord } from '../plugin/record.js';
import { StorageNamespace } from '../storage/namespace.js';
import { StorageBudget } from '../storage/storage-budget.js';
import type { Base } from './base.js';
import type { MadeExchange } from './exchange.js';
import type { Facts, Running } from './facts.js';
import { Guarding } from './guarding.js';
import { createLanes } from './lanes-of.js';
import type { Packages } from './packages.js';
import type { Shared } from './shared.js';

/** What is said of a plugin beside its state. */
export interface Details {
  readonly details: ExplanationDetails;
  readonly text: string;
}

/** What an engine is made of: what a tenant has before its plugins are known. */
export interface EngineParts {
  readonly base: Base;
  readonly shared: Shared;
  readonly extending: Extending & { changed(): void };
  /** Who answers what plugins ask for. */
  readonly deciding: Deciding;
  readonly packages: Packages;
  readonly made: MadeExchange;
  readonly hostContracts: HostContracts;
  readonly facts: Facts;
  readonly config: { readonly store: ConfigStore; readonly changes: ConfigChanges };
  /** Whether a plugin is about to start, because the tenant starts. */
  comes(record: PluginRecord): boolean;
}

/** Owns what runs the plugins of one tenant. */
export class Engine implements Intake {
  readonly audit: AuditLog;
  readonly trust: Trust;
  readonly grants: Grants;
  readonly requests: PermissionRequests;
  readonly secrets: Secrets;
  readonly launcher: Launcher;
  readonly supervisor: Supervisor;
  readonly lifecycle: Lifecycle;
  readonly installer: Installer;
  readonly data: PluginData;
  readonly times: TimesLog;
  readonly hibernation: Hibernation;
  readonly guarding: Guarding;
  readonly messaging: Messaging;
  readonly #parts: EngineParts;
  readonly #lanes: Lanes;
  readonly #owners: Owners;
  readonly #bundles: Bundles;
  readonly #resources: ResourceWatch;
  readonly #budget: StorageBudget;

  constructor(parts: EngineParts) {
    const { base, shared, made } = parts;
    const { tenant, options, limits, storage, registry, bus, reporting } = base;
    const { log, announce } = reporting;
    this.#parts = parts;
    this.audit = new AuditLog({ bus, storage, tenant, log });
    this.trust = new Trust({
      policy: options.policy ?? {},
      limits,
      storage,
      tenant,
      offers: (isolation) => offersIsolation(shared, isolation),
      announce,
    });
    this.grants = new Grants({
      policy: options.policy?.permissions,
      chain: options.policy?.chain,
      trustOf: (manifest) => this.trust.of(manifest),
      storage,
      tenant,
      log,
      announce,
    });
    this.requests = new PermissionRequests(parts.deciding, this.grants, reporting);
    this.#lanes = createLanes(base, shared, made.exchange, this.grants);
    const publisher = this.trust.publisher.bind(this.trust);
    this.#owners = new Owners({ storage, tenant, log, publisher });
    this.secrets = new Secrets({
      options: options.secrets,
      storage,
      tenant,
      redaction: base.redaction,
    });
    this.#bundles = new Bundles(parts.packages.code, limits, this.#defer);
    this.launcher = this.#makeLauncher();
    this.supervisor = this.#makeSupervisor();
    this.#resources = new ResourceWatch({
      policy: options.policy?.resources,
      log,
      announce,
      suspend: (guest, blame) => this.lifecycle.suspendOver(guest, blame),
      resume: (guest) => this.lifecycle.resumeOver(guest),
    });
    this.#budget = new StorageBudget(storage, tenant, this.#resources.tenant.storage);
    this.messaging = new Messaging({
      commands: made.exchange.commands,
      hooks: made.exchange.hooks,
      log,
      manifest: (id) => registry.manifest(id),
      activationOf: (id) => this.lifecycle.activationOf(id),
      whyAbsent: (id) => parts.facts.whyAbsent(id),
    });
    this.lifecycle = this.#makeLifecycle();
    this.guarding = new Guarding({
      registry,
      grants: this.grants,
      absenceOf: (id, record) => parts.facts.absenceOf(id, record),
      wake: (record, activation) => this.#wakeGuard(record, activation),
    });
    this.data = this.#makeData();
    this.installer = this.#makeInstaller();
    this.times = new TimesLog({
      bus,
      storage,
      tenant,
      log,
      ids: () => new Set(registry.manifests().map(({ id }) => id)),
      versions: (id) => registry.manifestsOf(id).map(({ version }) => version),
    });
    this.hibernation = new Hibernation(options.hibernation, {
      registry,
      lifecycle: this.lifecycle,
      lanes: this.#lanes,
      log,
    });
    this.#listen();
  }

  get #defer(): (task: () => void) => void {
    return abilityOf(this.#parts.shared.hosts, 'defer') ?? ((task) => setTimeout(task, 0));
  }

  #debugged(): boolean {
    return this.#parts.shared.hosts.some((host) => host.debugged?.() === true);
  }

  #makeLauncher(): Launcher {
    const { base, shared, extending, packages } = this.#parts;
    const { options, limits, reporting } = base;
    return new Launcher({
      hosts: shared.hosts,
      isolation: options.isolation,
      mayShare: options.policy?.shared ?? [],
      trust: this.trust,
      extending,
      shared: packages.guests,
      memoryOf: ({ manifest, package: found }) =>
        limitsFor(options.policy?.resources, manifest, this.trust.level(found, manifest)).memory,
      ready: limits.ready,
      turn: shared.turn,
      defer: this.#defer,
      log: (manifest, level, text) => {
        if (this.grants.may(manifest, 'logs.write')) reporting.log.write(manifest.id, level, text);
      },
    });
  }

  #makeSupervisor(): Supervisor {
    const { options, limits, reporting } = this.#parts.base;
    return new Supervisor({
      options: supervisionOf(options.supervision),
      log: reporting.log,
      hookTimeout: limits.hook,
      debugged: () => this.#debugged(),
      announce: reporting.announce,
      restart: (key) => this.lifecycle.restart(key),
      isToBlame: (key, error) => this.lifecycle.isToBlame(key, error),
      givenUp: () => this.lifecycle.givenUp(),
    });
  }

  #makeServices(): GuestServices {
    const { base, shared, extending, made } = this.#parts;
    const { tenant, limits, storage, reporting } = base;
    const { announce } = reporting;
    return {
      exchange: { ...made.exchange, lanes: this.#lanes },
      calls: made.calls,
      reporting,
      rights: {
        grants: this.grants,
        isOpen: shared.isOpen,
        onDenied: (plugin, permission, scope, reason) =>
          announce('permission:denied', {
            plugin,
            permission,
            scope,
            ...(reason !== undefined && { reason }),
          }),
      },
      abilities: {
        machine: new Network(shared.hosts),
        secrets: this.secrets,
        messaging: this.messaging,
        requestPermission: (wish) => this.requests.ask(wish),
      },
      bounds: {
        limits,
        resources: this.#resources,
        storageOf: ({ id }, quota) =>
          new StorageNamespace(storage, tenant, id, { quota, keys: limits.keys }, this.#budget),
        gateFor: (guest) => extending.gateFor(guest),
        defer: this.#defer,
        debugged: () => this.#debugged(),
      },
    };
  }

  #makeLifecycle(): Lifecycle {
    const { base, shared, extending, hostContracts, config } = this.#parts;
    const { options, limits, registry, reporting } = base;
    const { hosts, isOpen } = shared;
    const services = this.#makeServices();
    const { launcher, trust, grants, supervisor } = this;
    const ledger = new Ledger(registry, reporting, base.redaction);
    const surroundings = {
      version: KERNEL_VERSION,
      runtimes: hosts.flatMap(({ runtime }) => runtime ?? []),
      policy: options.policy ?? {},
      features: extending.features,
      isOpen,
    };
    const loader = new Loader({
      bundles: this.#bundles,
      launcher,
      trust,
      owners: this.#owners,
      extending,
      services,
    });
    const stages: Stages = {
      loader,
      config: config.store,
      lanes: this.#lanes,
      limits,
      steps: extending.steps,
      services,
    };
    return new Lifecycle({
      ledger,
      admission: new Admission(ledger, { surroundings, trust, grants, extending, reporting }),
      relations: new Relations(registry, hostContracts, isOpen),
      stages,
      supervisor,
      defer: this.#defer,
    });
  }

  #makeData(): PluginData {
    const { base, config } = this.#parts;
    const { registry, storage, tenant } = base;
    const { grants, trust, secrets } = this;
    const [owners, budget] = [this.#owners, this.#budget];
    return new PluginData({
      registry,
      storage,
      tenant,
      budget,
      secrets,
      grants,
      trust,
      owners,
      config: config.changes,
    });
  }

  #makeInstaller(): Installer {
    const { base, packages, made } = this.#parts;
    const { tenant, storage, registry, reporting, redaction, bus, options, limits } = base;
    const { lifecycle, launcher, trust, data } = this;
    return new Installer({
      registry,
      lifecycle,
      store: new RegistryStore(storage, tenant, (problem) => lifecycle.report(problem)),
      data,
      consent: (question) => this.requests.consent(question),
      bundles: this.#bundles,
      launcher,
      snapshots: packages.snapshots,
      trust,
      owners: this.#owners,
      policy: options.policy ?? {},
      limits,
      reporting,
      redaction,
      bus,
      commands: made.exchange.commands,
      lanes: this.#lanes,
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
    this.grants.onChange = (id) => {
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
    };
  }

  /** What a plugin may do now. */
  permissionsOf(manifest: Manifest): PermissionSet {
    return permissionsOf(this.grants, manifest, this.#parts.base.reporting.metrics);
  }

  /** What a plugin may do but for what was revoked, which is looked at one by one. */
  rightsOf(manifest: Manifest): PermissionSet {
    const { metrics } = this.#parts.base.reporting;
    return permissionsOf(this.grants, manifest, metrics, this.grants.asked(manifest));
  }

  /** What a plugin lacks and uses, as data and in words. */
  detailsOf(record: PluginRecord): Details {
    const { base, hostContracts } = this.#parts;
    const { registry, options } = base;
    const { grants, trust, launcher } = this;
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
    this.lifecycle.report(problem);
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

const offersIsolation = ({ hosts }: Shared, isolation: Isolation): boolean =>
  hosts.some((host) => host.isolations.includes(isolation) && host.offers?.(isolation) !== false);
