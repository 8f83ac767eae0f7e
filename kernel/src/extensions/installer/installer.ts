/**
 * Permanent changes to the plugins: installing, enabling, updating. Each is a transaction over the
 * registry's store: all or nothing, undone in reverse. Operations on one id run one by one.
 */
import type { Manifest } from '@plinth/sdk/contract';
import type { CommandRegistry } from '../../commands/command-registry.js';
import type { EventBus } from '../../events/event-bus.js';
import type { Lanes } from '../../guests/lanes.js';
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Bundles } from '../../lifecycle/bundles.js';
import type { DrainOptions } from '../../lifecycle/drain.js';
import type { CanaryInfo } from '../../lifecycle/inventory.js';
import type { Launcher } from '../../lifecycle/launcher.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import type { Limits } from '../../limits.js';
import type { Grants } from '../../permissions/grants.js';
import { keyOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Reporting } from '../../reporting.js';
import type { PackageSnapshots } from '../../sources/package-snapshots.js';
import type { Redaction } from '../../telemetry/redaction.js';
import { Admitting } from './admitting.js';
import { Canaries } from './canary/canaries.js';
import { type AskConsent, Consent } from './consent.js';
import { Decisions } from './decisions.js';
import { Entries } from './entries.js';
import { Handover } from './handover.js';
import { Incoming } from './incoming.js';
import type { OwnerOptions, UninstallOptions, UpdateOptions } from './installer-options.js';
import { Installing } from './installing.js';
import { KeptPackages } from './kept-packages.js';
import type { Owners } from './owners.js';
import type { PluginData } from './plugin-data.js';
import { References } from './references.js';
import type { RegistryStore } from './registry-store.js';
import { Reloading } from './reloading.js';
import { Reserve } from './reserve.js';
import { Rivals } from './rivals.js';
import { RollingBack } from './rolling-back.js';
import { Routing } from './routing.js';
import { Startup } from './startup.js';
import { Switching } from './switching.js';
import { Transfers } from './transfers.js';
import { Trials } from './trials.js';
import { Uninstalling } from './uninstalling.js';
import { Updating } from './updating.js';

/** What an installer needs from the kernel. */
export interface InstallerParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly store: RegistryStore;
  readonly bundles: Bundles;
  readonly launcher: Pick<Launcher, 'isolationOf'>;
  readonly snapshots: PackageSnapshots;
  /** What a manifest gets by its contributions. */
  readonly reachOf: (manifest: Manifest) => Readonly<Record<string, readonly string[]>>;
  readonly trust: Trusting;
  readonly owners: Owners;
  readonly grants: Grants;
  /** How updates are made. */
  readonly policy: { readonly updates?: { readonly state?: 'required' | 'optional' } };
  readonly limits: Limits;
  readonly reporting: Reporting;
  readonly redaction: Redaction;
  readonly bus: EventBus;
  readonly commands: CommandRegistry;
  readonly lanes: Lanes;
  readonly consent: AskConsent;
  readonly data: PluginData;
}

/** Owns the parts of the installer, and the order in which they are made and end. */
export class Installer {
  readonly #registry: PluginRegistry;
  readonly #entries: Entries;
  readonly #packages: KeptPackages;
  readonly #startup: Startup;
  readonly #trials: Trials;
  readonly #admitting: Admitting;
  readonly #transfers: Transfers;
  readonly #installing: Installing;
  readonly #uninstalling: Uninstalling;
  readonly #reloading: Reloading;
  readonly #updating: Updating;
  readonly #rollingBack: RollingBack;
  readonly #decisions: Decisions;
  readonly #canaries: Canaries;

  constructor(parts: InstallerParts) {
    const { registry, lifecycle, reporting } = parts;
    const { log, announce } = reporting;
    // Each part sees, of what is given, only what it names.
    const given = { ...parts, members: lifecycle.members, log, announce };
    const reserve = new Reserve(given);
    const entries = new Entries({ ...given, reserve });
    const references = new References(registry);
    const routing = new Routing({ ...given, entries });
    const rivals = new Rivals(given);
    const handover = new Handover(given);
    const incoming = new Incoming(given);
    const packages = new KeptPackages({ ...given, entries });
    const switching = new Switching(given);
    const startup = new Startup(lifecycle);
    const trials = new Trials({
      ...given,
      entries,
      rollback: (key, reason) => this.rollback(key, reason),
    });
    const about = { ...given, entries, references, routing };
    const admitting = new Admitting({ ...about, reserve, rivals });
    const replacing = { ...about, handover, packages, reserve, switching, trials };
    const canaries = new Canaries({
      ...about,
      update: (key, next, { by, ...how }) =>
        this.#updating.update(key, next, { consent: true, ...how }, by),
    });
    this.#canaries = canaries;
    this.#registry = registry;
    this.#entries = entries;
    this.#packages = packages;
    this.#startup = startup;
    this.#trials = trials;
    this.#admitting = admitting;
    this.#transfers = new Transfers({ ...about, rivals, admitting, startup });
    this.#installing = new Installing({ ...about, incoming, packages, handover });
    this.#uninstalling = new Uninstalling({ ...about, rivals, trials });
    this.#reloading = new Reloading({ ...about, incoming, handover });
    const consent = new Consent({ ...given, ask: parts.consent });
    this.#updating = new Updating({ ...replacing, incoming, consent, canaries });
    this.#rollingBack = new RollingBack(replacing);
    this.#decisions = new Decisions({ ...about, startup });
  }

  /** Admits what sources have and what was installed before, in its last state. */
  async open(found: readonly PluginPackage[]): Promise<void> {
    const entries = await this.#entries.load();
    const installed = [...entries].flatMap(([id, entry]) =>
      Object.entries({ ...entry.ready, ...entry.installed }).map(([version, manifest]) =>
        this.#packages.packageOf(keyOf(id, version), manifest),
      ),
    );
    await this.admit([...found, ...installed]);
    // A trial continues after a restart of the kernel.
    for (const [id, { trials }] of entries)
      for (const version of trials)
        if (this.#registry.get(keyOf(id, version)) !== undefined)
          this.#trials.begin(keyOf(id, version));
  }

  /** Admits what was found, in its last state. */
  admit(packages: readonly PluginPackage[]): Promise<void> {
    return this.#admitting.admit(packages);
  }

  /** Gives an id and what it keeps to another owner: its packages are admitted, others end. */
  transfer(id: string, to: string): Promise<void> {
    return this.#afterCanary(id, 'transfer', () => this.#transfers.transfer(id, to));
  }

  /** Marks that plugins may be activated from now on. */
  started(): void {
    this.#startup.begin();
  }

  /** Adds a plugin beside the installed ones, and answers its id. Doesn't activate it. */
  install(
    found: PluginPackage | PluginSource,
    options?: OwnerOptions,
    by?: string,
  ): Promise<string> {
    return this.#installing.install(found, options, by);
  }

  /** Stops plugins and removes them: all versions of an id, or the one that is named. */
  uninstall(reference: string, options?: UninstallOptions, by?: string): Promise<void> {
    return this.#afterCanary(reference, 'uninstall', async (ended) => {
      if (!ended || this.#isThere(reference))
        await this.#uninstalling.uninstall(reference, options, by);
    });
  }

  /** Settles when an operation on a plugin is over. Undefined when none is in progress. */
  settled(id: string): Promise<void> | undefined {
    return this.#entries.settled(id);
  }

  /** Replaces the guest of a plugin by one of another package, for as long as the kernel runs. */
  reload(
    reference: string,
    found: PluginPackage | PluginSource,
    options?: OwnerOptions,
  ): Promise<void> {
    return this.#afterCanary(reference, 'reload', () =>
      this.#reloading.reload(reference, found, options),
    );
  }

  /** Replaces the guest by one of what its place has now, whatever manifest and bundle. */
  reloadAsItIs(key: string): Promise<void> {
    return this.#reloading.reloadAsItIs(key);
  }

  /** Allows a plugin to start again. A plugin whose activation asks for that is started at once. */
  enable(reference: string, by?: string): Promise<void> {
    return this.#decisions.enable(reference, by);
  }

  /** Stops a plugin. Nothing starts it until it is enabled again. */
  disable(reference: string, options?: DrainOptions, by?: string): Promise<void> {
    return this.#afterCanary(reference, 'disable', async (ended) => {
      if (!ended || this.#isThere(reference)) await this.#decisions.disable(reference, options, by);
    });
  }

  /**
   * Replaces a plugin by a later version of it. The version before stays ready. It comes back on
   * request, or automatically when the new one fails its trial.
   */
  update(
    reference: string,
    found: PluginPackage | PluginSource,
    options?: UpdateOptions,
    by?: string,
  ): Promise<void> {
    const go = () => this.#updating.update(reference, found, options, by);
    return options?.canary === undefined ? this.#afterCanary(reference, 'update', go) : go();
  }

  /** The canary of a plugin. */
  canaryOf(id: string): CanaryInfo | undefined {
    return this.#canaries.of(id);
  }

  /** Puts the canary of a plugin in the place of the version before. */
  promote(reference: string): Promise<void> {
    return this.#canaries.promote(this.#registry.find(reference)?.id ?? reference);
  }

  /** Ends the canary that is named, or brings back the version that an update has replaced. */
  rollback(reference: string, reason = 'request'): Promise<void> {
    return this.#afterCanary(reference, reason, async (ended) => {
      if (!ended || reason !== 'request') await this.#rollingBack.rollback(reference, reason);
    });
  }

  /** Marks a version as deprecated: the log names its callers. `false` removes the mark. */
  deprecate(reference: string, message: string | false): Promise<void> {
    return this.#decisions.deprecate(reference, message);
  }

  /** Why a version is deprecated. */
  deprecation(id: string, version: string): string | undefined {
    return this.#decisions.deprecation(id, version);
  }

  #isThere(reference: string): boolean {
    return this.#registry.find(reference) !== undefined;
  }

  /**
   * Ends the canary of a plugin, unless another version is named, and goes on. Without one it goes
   * on at once: what is asked for together keeps its order.
   */
  #afterCanary(
    reference: string,
    reason: string,
    goOn: (ended: boolean) => Promise<void>,
  ): Promise<void> {
    const { id, key } = this.#registry.find(reference) ?? {};
    const canary = id === undefined ? undefined : this.#canaries.of(id);
    if (id === undefined || canary === undefined) return goOn(false);
    const isMeant = [canary.version, canary.from].some((version) => key === keyOf(id, version));
    return isMeant ? this.#canaries.rollback(id, reason).then(goOn) : goOn(false);
  }

  /** Waits for operations in progress and ends all trials. */
  async close(): Promise<void> {
    this.#canaries.close();
    this.#trials.endAll();
    await this.#entries.close();
    // An update in progress may have begun one.
    this.#trials.endAll();
  }
}
