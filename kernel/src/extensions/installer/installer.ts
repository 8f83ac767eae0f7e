/**
 * Permanent changes to the plugins: installing, enabling, updating. Each is a transaction over the
 * registry's store: all or nothing, undone in reverse. Operations on one id run one by one.
 */
import {
  compareVersions,
  createError,
  type Isolation,
  type Manifest,
  messageOf,
  type PluginError,
} from '@plinth/sdk/contract';
import type { CommandRegistry } from '../../commands/command-registry.js';
import { KeyedQueue } from '../../concurrency.js';
import type { EventBus } from '../../events/event-bus.js';
import type { Lanes } from '../../guests/lanes.js';
import type { PluginPackage, PluginSource } from '../../host.js';
import { packageFrom } from '../../lifecycle/admission.js';
import type { Bundles } from '../../lifecycle/bundles.js';
import { type DrainOptions, drainOf } from '../../lifecycle/drain.js';
import { hookOf } from '../../lifecycle/failures.js';
import type { Launcher } from '../../lifecycle/launcher.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import type { Limits } from '../../limits.js';
import { grantsOf, type PermissionPolicy } from '../../permissions/granted.js';
import { type Footprint, type Growth, growthOf } from '../../permissions/growth.js';
import {
  asValidated,
  isAsleep,
  isRunning,
  manifestOf,
  type PluginRecord,
  type ValidatedPlugin,
  versionOf,
} from '../../plugin/record.js';
import { idOf, keyOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Reporting } from '../../reporting.js';
import type { PackageSnapshots } from '../../sources/package-snapshots.js';
import { isSnapshot, ran } from '../../sources/package-snapshots.js';
import type { Redaction } from '../../telemetry/redaction.js';
import type { Trust } from '../trust/trust.js';
import type { Owners } from './owners.js';
import { foreign, LOCAL, placeOf as placeOfHand } from './owners.js';
import type { PluginData } from './plugin-data.js';
import { isDisabled, isRetired, NO_ENTRY, type PluginEntry, packagesIn } from './plugin-entry.js';
import type { RegistryStore } from './registry-store.js';
import { Trial } from './trial.js';

/** The source that a package may come from. */
export interface OwnerOptions {
  /**
   * Consent by name to a new owner, when the id belongs to another one: `publisher:<name>`, or the
   * package's origin. What is kept under the id, and its callers, then belong to the new owner.
   */
  readonly owner?: string;
}

/** How an update is made. */
export interface UpdateOptions extends OwnerOptions {
  /** Whether the version's new needs (rights, isolation, resources …) are granted unasked. */
  readonly consent?: boolean;
  /**
   * Whether an update goes on without the old state when `getState` throws, hangs (`limits.hook`)
   * or answers what can't be handed over. When absent, `policy.updates` decides.
   */
  readonly state?: 'required' | 'optional';
}

/** How a plugin is uninstalled. */
export interface UninstallOptions extends DrainOptions {
  /** Also deletes its data, secrets, settings and grants, and frees its id. Kept when absent. */
  readonly purge?: boolean;
}

/** Requests the decision whether a plugin may do more than before. */
export type AskConsent = (question: {
  readonly plugin: string;
  readonly version: string;
  readonly permissions: Growth;
  readonly owner?: { readonly from: string | undefined; readonly to: string };
}) => Promise<boolean>;

/** What an installer needs from the kernel. */
export interface InstallerParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly store: RegistryStore;
  readonly bundles: Bundles;
  readonly launcher: Pick<Launcher, 'isolationOf'>;
  readonly snapshots: PackageSnapshots;
  readonly trust: Trust;
  readonly owners: Owners;
  /** The most that plugins may be allowed to do, and how updates are made. */
  readonly policy: {
    readonly permissions?: PermissionPolicy;
    readonly updates?: { readonly state?: 'required' | 'optional' };
  };
  readonly limits: Limits;
  readonly reporting: Reporting;
  readonly redaction: Redaction;
  readonly bus: EventBus;
  readonly commands: CommandRegistry;
  readonly lanes: Lanes;
  readonly consent: AskConsent;
  readonly data: PluginData;
}

/** Owns the registry's entries and the trials of updated plugins. */
export class Installer {
  readonly #registry: PluginRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #store: RegistryStore;
  readonly #parts: InstallerParts;
  readonly #consent: AskConsent;
  readonly #data: PluginData;
  readonly #turns = new KeyedQueue();
  readonly #entries = new Map<string, PluginEntry>();
  /** Packages of versions that aren't installed now and may come back. */
  readonly #kept = new Map<string, PluginPackage>();
  readonly #trials = new Map<string, Trial>();
  /** The version that `reload` replaced by another one, for as long as the kernel runs. */
  readonly #standsFor = new Map<string, string>();
  /** Packages whose ids have other owners, by id. */
  readonly #foreign = new Map<string, Set<PluginPackage>>();
  #started = false;
  #closed = false;

  constructor(parts: InstallerParts) {
    const { registry, lifecycle, store, consent, data } = parts;
    this.#data = data;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#store = store;
    this.#parts = parts;
    this.#consent = consent;
  }

  /** Admits what sources have and what was installed before, in its last state. */
  async open(found: readonly PluginPackage[]): Promise<void> {
    const entries = await this.#store.load();
    for (const [id, entry] of entries) this.#entries.set(id, entry);
    const installed = [...entries].flatMap(([id, entry]) =>
      Object.entries({ ...entry.ready, ...entry.installed }).map(([version, manifest]) =>
        this.#storedPackage(keyOf(id, version), manifest),
      ),
    );
    await this.admit([...found, ...installed]);
    // A trial continues after a restart of the kernel.
    for (const [id, { trials }] of entries)
      for (const version of trials)
        if (this.#registry.get(keyOf(id, version)) !== undefined) this.#try(keyOf(id, version));
  }

  /** Admits what was found, in its last state. */
  async admit(packages: readonly PluginPackage[]): Promise<void> {
    const known = new Set<string>();
    const rivals = this.#rivalsAmong(packages);
    // A request that waits for a late plugin must find it as soon as it has arrived.
    const refused = rivals.size === 0 ? NONE_REFUSED : await this.#foreignAmong(rivals);
    const superseded = new Set<string>();
    this.#lifecycle.members.admit(packages, ({ id, version, key, package: one }) => {
      const refusal = refused.get(one);
      if (refusal !== undefined && this.#registry.get(key) === undefined) {
        this.#foreign.set(id, (this.#foreign.get(id) ?? new Set()).add(one));
        throw refusal;
      }
      const entry = this.#entryOf(id);
      const stored = one.origin.startsWith(ORIGIN);
      const line = stored ? [] : lineOf(entry, version, one.origin);
      // A late package finds another version of its line running. It is used at the next start.
      const late = line.some((other) => this.#registry.get(keyOf(id, other)) !== undefined);
      if (
        isRetired(entry, version) ||
        late ||
        (!stored && this.#isOlderThanItsLine(entry, version, one.origin))
      ) {
        if (!this.#kept.has(key)) this.#kept.set(key, one);
        return false;
      }
      // The same version in the store is only a fallback for when its source loses it.
      const there = this.#registry.get(key);
      if (there !== undefined && (stored || there.origin.startsWith(ORIGIN))) return false;
      if (superseded.has(key)) return false;
      for (const before of line) superseded.add(keyOf(id, before));
      known.add(id);
      return isDisabled(entry, version) ? 'disabled' : true;
    });
    for (const id of known) this.#versionsChanged(id);
    for (const key of superseded) await this.#supersede(idOf(key), key.slice(idOf(key).length + 1));
  }

  /** Packages grouped by id, where an id has several. */
  #rivalsAmong(
    packages: readonly PluginPackage[],
  ): ReadonlyMap<string, readonly ValidatedPlugin[]> {
    const groups = new Map<string, ValidatedPlugin[]>();
    for (const one of packages) {
      try {
        const record = this.#lifecycle.members.validate(one);
        groups.set(record.id, [...(groups.get(record.id) ?? []), record]);
      } catch {
        // Its error is reported when the package is admitted.
      }
    }
    for (const [id, records] of groups)
      if (records.length + this.#registry.versions(id).length < 2) groups.delete(id);
    return groups;
  }

  /** Packages with another owner's id. The owner wins, then a known publisher, then the first. */
  async #foreignAmong(
    rivals: ReadonlyMap<string, readonly ValidatedPlugin[]>,
  ): Promise<ReadonlyMap<PluginPackage, Error>> {
    const refused = new Map<PluginPackage, Error>();
    for (const [id, records] of rivals) {
      const places = this.#registry.versions(id).flatMap(({ package: there }) => there);
      for (const record of records)
        await this.#parts.trust.identify(record.package, record.manifest, () =>
          this.#parts.bundles.read(record),
        );
      const { owners } = this.#parts;
      const hands = [
        ...places.map((found) => ({ found, record: undefined })),
        ...records.map((record) => ({ found: record.package, record })),
      ].flatMap(({ found, record }) => {
        const hand = owners.handOf(found);
        return hand === undefined ? [] : [{ found, record, hand, place: placeOfHand(found, hand) }];
      });
      const owner = await owners.of(id).catch(() => undefined);
      const first =
        hands.find(({ hand }) => hand.name === owner || hand.origin === owner) ??
        hands.find(({ hand }) => hand.name.startsWith('publisher:')) ??
        hands[0];
      if (first === undefined) continue;
      for (const { found, record, hand, place } of hands) {
        const local = hand.name === LOCAL && first.hand.name === LOCAL;
        const same = local
          ? place === first.place || [place, first.place].includes(LOCAL)
          : hand.name === first.hand.name || hand.origin === first.hand.name;
        if (record !== undefined && !same)
          refused.set(
            found,
            foreign(
              id,
              record.version,
              owner ?? first.place,
              hand.name === first.hand.name ? place : hand.name,
            ),
          );
      }
    }
    return refused;
  }

  /** Gives an id and what it keeps to another owner: its packages are admitted, others end. */
  async transfer(id: string, to: string): Promise<void> {
    if (typeof id !== 'string' || typeof to !== 'string' || to === '')
      throw createError(
        'kernel/invalid-option',
        `a plugin is transferred to an owner by name, not to ${String(to)}`,
      );
    await this.#run(id, async () => {
      const { owners } = this.#parts;
      const from = await owners.of(id).catch(() => undefined);
      await owners.set(id, to);
      const packages = new Set(this.#foreign.get(id));
      this.#foreign.delete(id);
      const others: PluginPackage[] = [];
      for (const record of this.#registry.versions(id)) {
        if (await owners.owns(id, owners.handOf(record.package))) continue;
        others.push(record.package);
        await this.#lifecycle.members.remove(record.key);
      }
      for (const record of this.#registry.all())
        if (record.state === 'failed' && packages.has(record.package))
          this.#registry.remove(record.key);
      this.#parts.reporting.announce('plugin:transferred', {
        id,
        to,
        ...(from !== undefined && { from }),
      });
      await this.admit([...packages, ...others]);
      this.#versionsChanged(id);
    });
    if (!this.#started) return;
    for (const record of this.#registry.versions(id))
      if (record.state === 'resolved' && record.manifest.activation.includes('startup'))
        await this.#lifecycle.activate(record.key, 'startup').catch(() => {});
  }

  /**
   * Lets a package take an id from another owner, with consent by name. Answers the undo.
   *
   * @throws PluginPermissionError `permission/consent-required`.
   */
  async #takingHands(
    next: ValidatedPlugin,
    named: string | undefined,
  ): Promise<() => Promise<void>> {
    const { id, version, package: found } = next;
    const { owners, trust } = this.#parts;
    await trust.identify(found, next.manifest, () => this.#parts.bundles.read(next));
    const hand = owners.handOf(found);
    const there = this.#registry
      .versions(id)
      .flatMap((record) => owners.handOf(record.package)?.name ?? [])[0];
    const from = (await owners.of(id).catch(() => undefined)) ?? there;
    if (hand === undefined || from === undefined || from === hand.name || from === hand.origin)
      return async () => {};
    // A package that may not run at all needs no consent.
    if (found.exported === undefined)
      await trust.admit(found, next.manifest, await this.#parts.bundles.read(next));
    const to = hand.name;
    let cause: unknown;
    const agreed =
      named === to ||
      (await this.#consent({ plugin: id, version, permissions: {}, owner: { from, to } }).catch(
        (error: unknown) => {
          cause = error;
          return false;
        },
      ));
    if (!agreed)
      throw Object.assign(foreign(id, version, from, to), cause !== undefined && { cause });
    await owners.set(id, to);
    this.#parts.reporting.announce('plugin:transferred', { id, from, to });
    return async () => {
      await owners.set(id, from);
      this.#parts.reporting.announce('plugin:transferred', { id, from: to, to: from });
    };
  }

  /** Whether a version is later than the one that an earlier place of its line has now. */
  #isOlderThanItsLine(entry: PluginEntry, version: string, origin: string): boolean {
    return lineOf(entry, version, origin).some(
      (other) => entry.places?.[other]?.at(-1) !== origin && compareVersions(other, version) > 0,
    );
  }

  /** A version's place has another version now, so it is not kept any longer. */
  async #supersede(id: string, version: string): Promise<void> {
    await this.#change(id, (entry) => ({
      ...entry,
      installed: omit(entry.installed, version, ...this.#needless(id, entry, [version])),
      ready: omit(entry.ready, version, ...this.#needless(id, entry, [version])),
      disabled: without(entry.disabled, version),
      deprecated: omit(entry.deprecated, version),
      previous: withoutPrevious(entry.previous, [version]),
      trials: without(entry.trials, version),
      places: omit(entry.places ?? {}, version),
    }));
  }

  /** Marks that plugins may be activated from now on. */
  started(): void {
    this.#started = true;
  }

  /** Adds a plugin beside the installed ones, and answers its id. Doesn't activate it. */
  async install(
    found: PluginPackage | PluginSource,
    { owner }: OwnerOptions = {},
    by?: string,
  ): Promise<string> {
    const record = this.#lifecycle.members.validate(await this.#packageFrom(found));
    const { id } = record;
    await this.#run(id, async () => {
      this.#lifecycle.members.checkAddable(record);
      const back = await this.#takingHands(record, owner);
      await this.#install(record, by).catch((error: unknown) => undone(back, error));
    });
    return id;
  }

  async #install(record: ValidatedPlugin, by: string | undefined): Promise<void> {
    const { id, key, version } = record;
    await this.#keeping(record, async () => {
      const installed = (entry: PluginEntry) => ({
        ...entry,
        installed: { ...entry.installed, ...this.#asInstalled(record) },
        retired: without(entry.retired, version),
        disabled: without(entry.disabled, version),
        // Undoes a whole uninstall. A disabled id stays disabled, except for this version.
        whole: entry.whole === 'uninstalled' ? undefined : entry.whole,
        apart: entry.whole === 'disabled' ? [...without(entry.apart ?? [], version), version] : [],
        places: { ...entry.places, [version]: placeOf(record) },
        brought: this.#brought(entry, record),
      });
      await this.#change(id, installed, true);
      try {
        this.#lifecycle.members.setEnabled(key, true);
        await this.#lifecycle.members.add(record);
      } catch (error) {
        await this.#change(id, (entry) => ({
          ...entry,
          installed: omit(entry.installed, version),
        }));
        throw error;
      }
    });
    this.#versionsChanged(id);
    this.#parts.reporting.announce('plugin:installed', {
      id,
      version,
      origin: record.origin,
      ...actor(by),
    });
  }

  #brought(
    { brought }: PluginEntry,
    { version, package: found }: ValidatedPlugin,
  ): Readonly<Record<string, string>> {
    const hand = this.#parts.owners.handOf(found);
    return { ...brought, ...(hand !== undefined && { [version]: hand.origin }) };
  }

  /** Stops plugins and removes them: all versions of an id, or the one that is named. */
  async uninstall(reference: string, options?: UninstallOptions, by?: string): Promise<void> {
    const drain = drainOf(options, this.#parts.limits);
    const purge = options?.purge === true;
    const left =
      purge &&
      this.#registry.find(reference) === undefined &&
      (await this.#data.leftovers()).some(({ plugin }) => plugin === reference);
    const { id } = left ? { id: reference } : this.#require(reference);
    await this.#run(id, async () => {
      const going = left ? [] : this.#meant(reference);
      if (purge && this.#registry.versions(id).length > going.length)
        throw createError(
          'kernel/invalid-option',
          `what is kept of ${id} can only be purged with its last version: uninstall('${id}', { purge: true })`,
          {
            plugin: id,
            details: { option: 'purge' },
          },
        );
      const versions = going.flatMap((record) => this.#meantBy(record));
      // A source keeps its package, so the removal is remembered.
      const retired = (entry: PluginEntry) =>
        versions.filter((version) => !Object.hasOwn(entry.installed, version));
      if (versions.length > 0) {
        await this.#change(id, (entry) => ({
          ...entry,
          retired: [...without(entry.retired, ...versions), ...retired(entry)],
          installed: omit(entry.installed, ...versions, ...this.#needless(id, entry, versions)),
          ready: omit(entry.ready, ...versions, ...this.#needless(id, entry, versions)),
          disabled: without(entry.disabled, ...versions),
          deprecated: omit(entry.deprecated, ...versions),
          previous: withoutPrevious(entry.previous, versions),
          trials: without(entry.trials, ...versions),
          places: omit(entry.places ?? {}, ...versions),
          ...(!reference.includes('@') && { whole: 'uninstalled', apart: [] }),
        }));
      }
      for (const { key } of going) {
        this.#endTrial(key);
        await this.#lifecycle.members.remove(key, drain);
        this.#standsFor.delete(key);
      }
      this.#versionsChanged(id);
      if (purge) {
        this.#foreign.delete(id);
        await this.#data.purge(id);
      }
      this.#parts.reporting.announce('plugin:uninstalled', {
        id,
        ...(purge && { purged: true }),
        ...actor(by),
      });
    });
  }

  /** Settles when an operation on a plugin is over. Undefined when none is in progress. */
  settled(id: string): Promise<void> | undefined {
    return this.#turns.busy(id) ? this.#turns.idle(id) : undefined;
  }

  /** Replaces the guest of a plugin by one of another package, for as long as the kernel runs. */
  async reload(
    reference: string,
    found: PluginPackage | PluginSource,
    { owner }: OwnerOptions = {},
  ): Promise<void> {
    const next = this.#lifecycle.members.validate(await this.#packageFrom(found));
    await this.#run(this.#require(reference).id, async () => {
      const old = this.#require(reference);
      const back = await this.#takingHands(next, owner);
      if (next.id === old.id && next.key !== old.key) this.#lifecycle.members.checkFree(next);
      await this.#lifecycle.reload(old.key, next).catch((error: unknown) => undone(back, error));
      const version = this.#standsFor.get(old.key) ?? versionOf(old);
      if (next.key !== old.key && version !== undefined) this.#standsFor.set(next.key, version);
    });
  }

  /** Replaces the guest by one of what its place has now, whatever manifest and bundle. */
  async reloadAsItIs(key: string): Promise<void> {
    const { package: found } = this.#require(key);
    const fresh = isSnapshot(found)
      ? await this.#parts.snapshots.refresh(
          found,
          (one) => this.#lifecycle.members.validate(one).manifest.main,
        )
      : found;
    if (fresh !== found) return this.reload(key, fresh);
    this.#parts.bundles.forget(found);
    await this.#lifecycle.reload(key);
  }

  async #packageFrom(found: PluginPackage | PluginSource): Promise<PluginPackage> {
    return this.#parts.snapshots.take(await packageFrom(found));
  }

  /** Allows a plugin to start again. A plugin whose activation asks for that is started at once. */
  async enable(reference: string, by?: string): Promise<void> {
    await this.#setEnabled(reference, true, by);
    if (!this.#started) return;
    const starting = this.#meant(reference).filter(
      ({ state }) => state === 'resolved' || state === 'unloaded' || state === 'failed',
    );
    for (const record of starting) {
      // As at the start of the kernel, a failure is recorded and the plugin stays enabled.
      if (manifestOf(record)?.activation.includes('startup'))
        await this.#lifecycle.activate(record.key, 'startup').catch(() => {});
    }
  }

  /** Stops a plugin. Nothing starts it until it is enabled again. */
  async disable(reference: string, options?: DrainOptions, by?: string): Promise<void> {
    const drain = drainOf(options, this.#parts.limits);
    await this.#setEnabled(reference, false, by, async (record) => {
      if (isRunning(record) || isAsleep(record) || this.#lifecycle.isStarting(record.key))
        await this.#lifecycle.deactivate(record.key, 'disable', drain);
    });
  }

  /**
   * Replaces a plugin by a later version of it. The version before stays ready. It comes back on
   * request, or automatically when the new one fails its trial.
   */
  async update(
    reference: string,
    found: PluginPackage | PluginSource,
    {
      consent = false,
      owner,
      state = this.#parts.policy.updates?.state ?? 'required',
    }: UpdateOptions = {},
    by?: string,
  ): Promise<void> {
    if (!STATES.includes(state))
      throw createError(
        'kernel/invalid-option',
        `'state' must be one of ${STATES.join(', ')}, not ${String(state)}`,
        { details: { option: 'state' } },
      );
    const next = this.#lifecycle.members.validate(await this.#packageFrom(found));
    const { id } = next;
    const before = this.#require(reference);
    if (id !== before.id) {
      throw createError(
        'plugin/illegal-transition',
        `cannot update ${before.id} with a package of ${id}`,
        { plugin: before.id, details: { other: id } },
      );
    }
    for (let updated = false; !updated; ) {
      const agreed = consent ? undefined : await this.#askConsent(this.#require(reference), next);
      updated = await this.#run(id, async () => {
        // Another version may have replaced the compared one. Consent is then requested again.
        const growth = consent ? undefined : this.#growth(this.#require(reference), next);
        if (growth !== undefined && !isWithin(growth, agreed)) return false;
        const back = await this.#takingHands(next, owner);
        await this.#update(this.#require(reference), next, state === 'optional', by).catch(
          (error: unknown) => undone(back, error),
        );
        return true;
      });
    }
  }

  async #update(
    old: PluginRecord,
    next: ValidatedPlugin,
    stateless: boolean,
    by: string | undefined,
  ): Promise<void> {
    const { id, version } = next;
    const from = versionedManifest(old).version;
    checkLater(next, from);
    this.#lifecycle.members.checkFree(next);
    await this.#keeping(next, async () => {
      const key = await this.#replace(
        old,
        next,
        stateless ? 'without its state if need be' : undefined,
      );
      const ready = await this.#keepReady(old);
      const replaced = this.#meantBy(old);
      try {
        await this.#change(id, (entry) => ({
          ...entry,
          // Releases only what the old version replaced. Others may have installed unknown ones.
          installed: {
            ...omit(entry.installed, ...this.#needless(id, entry, [from])),
            ...this.#asInstalled(next),
          },
          ready: {
            ...omit(entry.ready, version, ...this.#needless(id, entry, [from])),
            ...(Object.hasOwn(entry.installed, from) ? {} : ready),
          },
          retired: [...without(entry.retired, version, ...replaced), ...replaced],
          disabled: entry.disabled.includes(from)
            ? [...without(entry.disabled, from, version), version]
            : without(entry.disabled, version),
          previous: { ...omit(entry.previous, from), [version]: from },
          apart: entry.apart?.includes(from)
            ? [...without(entry.apart, version), version]
            : (entry.apart ?? []),
          brought: this.#brought(entry, next),
          places: {
            ...omit(entry.places ?? {}, from),
            [version]: [
              ...new Set([...(entry.places?.[from] ?? [old.origin]), ...placeOf(next)]),
            ].slice(-MAX_PLACES),
          },
          trials: [
            ...without(entry.trials, from, version),
            ...(this.#parts.limits.trial === 0 ? [] : [version]),
          ],
        }));
      } catch (error) {
        await this.#backTo(old, key);
        for (const kept of Object.keys(ready))
          await this.#store.forgetCode(keyOf(id, kept)).catch(() => {});
        throw error;
      }
      this.#kept.set(old.key, old.package);
      this.#versionsChanged(id);
      this.#parts.reporting.announce('plugin:updated', { id, version, from, ...actor(by) });
      this.#endTrial(old.key);
      this.#try(key);
    });
  }

  /** Brings back the version that an update has replaced. */
  async rollback(reference: string, reason = 'request'): Promise<void> {
    const { id } = this.#require(reference);
    await this.#run(id, async () => {
      const { previous, installed, ready } = this.#entryOf(id);
      const of = this.#updated(reference);
      const current = of === undefined ? undefined : this.#registry.get(keyOf(id, of));
      const version = of === undefined ? undefined : previous[of];
      if (of === undefined || version === undefined || current === undefined)
        throw createError(
          'plugin/no-previous-version',
          `cannot roll ${reference} back: no update has replaced a version of it`,
          { plugin: id },
        );
      this.#endTrial(current.key);
      const key = keyOf(id, version);
      const manifest = installed[version] ?? ready[version];
      const kept =
        this.#kept.get(key) ??
        (manifest === undefined ? undefined : this.#storedPackage(key, manifest));
      if (kept === undefined)
        throw createError(
          'plugin/no-previous-version',
          `cannot roll ${id} back to ${version}: its package is not there any more`,
          { plugin: id },
        );
      // What `reload` has put in place stays as long as the kernel runs.
      const lasts = kept.origin.startsWith(ORIGIN) || !this.#standsFor.has(key);
      const next = this.#lifecycle.members.validate(kept);
      const lower = await this.#parts.trust.lower(id, version);
      const hands = await this.#handBack(next);
      const raise = async () => {
        await lower();
        await hands();
      };
      const automatic = reason !== 'request';
      const replacing = this.#replace(current, next, 'whatever happens', automatic);
      const now = await replacing.catch(async (error: unknown) => {
        await raise();
        throw error;
      });
      try {
        await this.#change(id, (entry) => ({
          ...entry,
          // Its place may still have the version that goes. It is not taken from there again.
          retired: [...without(entry.retired, of, version, ...this.#standingFor(key)), of],
          // The store keeps from now on what its source may have lost.
          installed: {
            ...omit(entry.installed, of),
            ...(manifest !== undefined && lasts && { [version]: manifest }),
          },
          apart: entry.apart?.includes(of)
            ? [...without(entry.apart, version), version]
            : (entry.apart ?? []),
          places: {
            ...omit(entry.places ?? {}, of),
            ...(entry.places?.[of] !== undefined && { [version]: entry.places[of] }),
          },
          ready: omit(entry.ready, version),
          disabled: entry.disabled.includes(of)
            ? [...without(entry.disabled, of), version]
            : entry.disabled,
          previous: omit(entry.previous, of),
          trials: without(entry.trials, of),
        }));
      } catch (error) {
        await this.#backTo(current, now);
        await raise();
        throw error;
      }
      this.#kept.delete(key);
      this.#versionsChanged(id);
      this.#parts.reporting.announce('plugin:rolled-back', { id, version, from: of, reason });
    });
  }

  /** Rolls a change of owner back with its update: the version returns to its owner. */
  async #handBack({ id, manifest, package: found }: ValidatedPlugin): Promise<() => Promise<void>> {
    const { owners, trust } = this.#parts;
    await trust.identify(found, manifest, async () =>
      this.#parts.bundles.read(this.#lifecycle.members.validate(found)),
    );
    const hand = owners.handOf(found);
    const from = await owners.of(id).catch(() => undefined);
    if (hand === undefined || from === undefined || from === hand.name) return async () => {};
    await owners.set(id, hand.name);
    this.#parts.reporting.announce('plugin:transferred', { id, from, to: hand.name });
    return () => owners.set(id, from);
  }

  /** Marks a version as deprecated: the log names its callers. `false` removes the mark. */
  async deprecate(reference: string, message: string | false): Promise<void> {
    const record = this.#require(reference);
    const { version } = versionedManifest(record);
    await this.#run(record.id, async () => {
      await this.#change(record.id, (entry) => ({
        ...entry,
        deprecated: {
          ...omit(entry.deprecated, version),
          ...(message !== false && { [version]: message }),
        },
      }));
      this.#versionsChanged(record.id);
    });
  }

  /** Why a version is deprecated. */
  deprecation(id: string, version: string): string | undefined {
    const { deprecated } = this.#entryOf(id);
    return Object.hasOwn(deprecated, version) ? deprecated[version] : undefined;
  }

  /** Waits for operations in progress and ends all trials. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const key of [...this.#trials.keys()]) this.#endTrial(key);
    await this.#turns.idle();
    for (const key of [...this.#trials.keys()]) this.#endTrial(key);
  }

  async #run<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, async () => {
      if (this.#closed)
        throw createError('kernel/stopped', `cannot change ${id}: the kernel has stopped`, {
          plugin: id,
        });
      return work();
    });
  }

  // --- steps -----------------------------------------------------------------------------------------------------

  /** Keeps a package in the store while it is admitted. When that fails, nothing of it is left. */
  async #keeping(record: ValidatedPlugin, work: () => Promise<void>): Promise<void> {
    if (record.package.exported !== undefined) return work();
    const { key } = record;
    const before = await this.#store.findCode(key);
    const beforeSigned = await this.#store.signature(key);
    const code = await this.#parts.bundles.read(record);
    await this.#parts.trust.admit(record.package, record.manifest, code);
    await this.#store.keepCode(key, code, await record.package.signature?.());
    ran(record.package, key);
    try {
      await work();
    } catch (error) {
      const undone =
        before === undefined
          ? this.#store.forgetCode(key)
          : this.#store.keepCode(key, before, beforeSigned);
      await undone.catch(() => {});
      throw error;
    }
  }

  /** An object of the application can't be kept. The application must provide it again. */
  #asInstalled({
    version,
    manifest,
    package: found,
  }: ValidatedPlugin): Readonly<Record<string, string>> {
    return found.exported === undefined
      ? {
          [version]: typeof found.manifest === 'string' ? found.manifest : JSON.stringify(manifest),
        }
      : {};
  }

  #storedPackage(key: string, manifest: string): PluginPackage {
    const made: PluginPackage = {
      origin: `${ORIGIN}${key}`,
      held: true,
      manifest,
      code: () => this.#store.code(key),
      signature: () => this.#store.signature(key),
    };
    const id = idOf(key);
    this.#parts.owners.broughtBy(made, this.#entryOf(id).brought?.[key.slice(id.length + 1)]);
    return made;
  }

  /**
   * Replaces one version by another, which runs if the old one ran. A failure restores the old one.
   *
   * @param how whether to succeed without the old state: only when that can't be had, or in any
   * case, also when the old version has failed.
   * @param automatic whether it happens by itself, and starts nothing that was stopped by name.
   */
  async #replace(
    old: PluginRecord,
    next: ValidatedPlugin,
    how?: 'without its state if need be' | 'whatever happens',
    automatic = false,
  ): Promise<string> {
    const { key } = old;
    // A plugin that is starting is swapped once it runs.
    await this.#lifecycle.settled(key);
    if (
      !this.#lifecycle.wantsToRun(key) &&
      !(how === 'whatever happens' && this.#registry.get(key)?.state === 'failed')
    )
      return this.#lifecycle.exchange(key, next);
    try {
      return await this.#lifecycle.reload(key, next, { automatic });
    } catch (error) {
      if (how === undefined || (how !== 'whatever happens' && !isAboutState(error))) throw error;
      this.#parts.reporting.log.write(
        'kernel',
        'warn',
        `${old.id} goes on without its state: ${messageOf(error)}`,
        { plugin: old.id },
      );
    }
    // The failure has changed nothing. One more attempt is made without the state.
    return this.#lifecycle.reload(key, next, { stateless: true, automatic });
  }

  /** Undoes a replacement. Its failure is only logged, because the first error is more useful. */
  async #backTo(old: PluginRecord, key: string): Promise<void> {
    try {
      const present = this.#registry.get(key);
      if (present !== undefined)
        await this.#replaceBack(present, this.#lifecycle.members.validate(old.package));
    } catch (error) {
      this.#parts.reporting.log.write(
        'kernel',
        'error',
        `could not bring ${old.id} back as it was: ${messageOf(error)}`,
        { plugin: old.id },
      );
    }
  }

  async #replaceBack(present: PluginRecord, before: ValidatedPlugin): Promise<void> {
    const { key } = present;
    if (present.state === 'active') {
      await this.#lifecycle
        .reload(key, before)
        .catch(() => this.#lifecycle.reload(key, before, { stateless: true }));
      return;
    }
    await this.#lifecycle.exchange(key, before);
    if (present.state !== 'resolved' && present.state !== 'unloaded')
      await this.#lifecycle.activate(before.key);
  }

  /** The updated version where a reference points: that one itself, or the highest of its id. */
  #updated(reference: string): string | undefined {
    const record = this.#require(reference);
    const { previous } = this.#entryOf(record.id);
    const version = versionOf(record);
    if (version !== undefined && Object.hasOwn(previous, version)) return version;
    return reference.includes('@')
      ? undefined
      : this.#versionsOf(record.id).find((one) => Object.hasOwn(previous, one));
  }

  /** Packages that were ready for versions, and are neither installed nor ready for others. */
  #needless(id: string, entry: PluginEntry, versions: readonly string[]): readonly string[] {
    const others = Object.values(withoutPrevious(entry.previous, versions));
    return versions
      .flatMap((of) => entry.previous[of] ?? [])
      .filter(
        (version) =>
          !others.includes(version) && this.#registry.get(keyOf(id, version)) === undefined,
      );
  }

  /** Keeps a version before it is replaced, as its source may lose it before it comes back. */
  async #keepReady(old: PluginRecord): Promise<Readonly<Record<string, string>>> {
    if (
      old.state === 'discovered' ||
      old.state === 'denied' ||
      old.state === 'failed' ||
      old.package.exported !== undefined ||
      packagesIn(this.#entryOf(old.id)).includes(versionOf(old) ?? '')
    )
      return {};
    try {
      await this.#store.keepCode(
        old.key,
        await this.#parts.bundles.read(old),
        await old.package.signature?.(),
      );
      return this.#asInstalled(old.state === 'validated' ? old : asValidated(old));
    } catch (error) {
      this.#parts.reporting.log.write(
        'kernel',
        'warn',
        `${old.key} is replaced, and could not be kept for a rollback: ${messageOf(error)}`,
        { plugin: old.id },
      );
      return {};
    }
  }

  #try(key: string): void {
    const length = this.#parts.limits.trial;
    if (length === 0) return;
    const { bus, limits, redaction } = this.#parts;
    const trial = new Trial(
      key,
      length,
      { registry: this.#registry, bus, limits, redaction },
      (reason) => {
        this.#trials.delete(key);
        this.#parts.reporting.log.write('kernel', 'error', `${key} is rolled back: ${reason}`, {
          plugin: idOf(key),
        });
        this.rollback(key, reason).catch((error: unknown) => {
          this.#parts.reporting.log.write(
            'kernel',
            'error',
            `could not roll ${key} back: ${messageOf(error)}`,
            { plugin: idOf(key) },
          );
        });
      },
      () => {
        this.#trials.delete(key);
        const { id, version } = { id: idOf(key), version: key.slice(idOf(key).length + 1) };
        this.#run(id, () =>
          this.#change(id, (entry) => ({ ...entry, trials: without(entry.trials, version) })),
        ).catch(() => {});
      },
    );
    this.#trials.set(key, trial);
  }

  #endTrial(key: string): void {
    this.#trials.get(key)?.close();
    this.#trials.delete(key);
  }

  #growth(old: PluginRecord, next: ValidatedPlugin): Growth | undefined {
    const of = (manifest: Manifest, found: PluginPackage): Footprint => ({
      permissions: grantsOf(manifest, this.#parts.policy.permissions),
      manifest,
      isolation: isolationOf({ manifest, package: found }, this.#parts.launcher),
    });
    return growthOf(of(versionedManifest(old), old.package), of(next.manifest, next.package));
  }

  /** What was consented to; undefined if nothing was asked. A person may take any time for it. */
  async #askConsent(old: PluginRecord, next: ValidatedPlugin): Promise<Growth | undefined> {
    const growth = this.#growth(old, next);
    if (growth === undefined) return undefined;
    let cause: unknown;
    try {
      if (await this.#consent({ plugin: next.id, version: next.version, permissions: growth }))
        return growth;
    } catch (error) {
      cause = error;
    }
    throw consentRequired(next, versionedManifest(old).version, growth, cause);
  }

  async #setEnabled(
    reference: string,
    enabled: boolean,
    by: string | undefined,
    then?: (record: PluginRecord) => Promise<void>,
  ): Promise<void> {
    const { id } = this.#require(reference);
    await this.#run(id, async () => {
      const meant = this.#meant(reference);
      const versions = meant.flatMap((record) => this.#meantBy(record));
      const named = reference.includes('@');
      await this.#change(id, (entry) => {
        const { whole, apart = [] } = entry;
        const disabled = [...without(entry.disabled, ...versions), ...(enabled ? [] : versions)];
        if (!named)
          return {
            ...entry,
            disabled,
            apart: [],
            whole: enabled ? (whole === 'disabled' ? undefined : whole) : 'disabled',
          };
        return {
          ...entry,
          disabled,
          apart: [
            ...without(apart, ...versions),
            ...(enabled && whole === 'disabled' ? versions : []),
          ],
        };
      });
      for (const { key } of meant) this.#lifecycle.members.setEnabled(key, enabled);
      for (const record of meant)
        this.#parts.reporting.announce(enabled ? 'plugin:enabled' : 'plugin:disabled', {
          id,
          version: versionedManifest(record).version,
          ...actor(by),
        });
      if (then !== undefined) for (const { key } of meant) await then(this.#require(key));
    });
  }

  async #change(
    id: string,
    change: (entry: PluginEntry) => PluginEntry,
    repair = false,
  ): Promise<void> {
    const before = packagesIn(this.#entryOf(id));
    const after = await this.#store.change(id, change, repair);
    this.#entries.set(id, after);
    this.#letGo(id, after);
    // A package that stays by accident does no harm. It is removed when a kernel starts.
    for (const version of before)
      if (!packagesIn(after).includes(version))
        await this.#store.forgetCode(keyOf(id, version)).catch(() => {});
  }

  /** Keeps, of versions not installed, only those for a rollback: one for each line. */
  #letGo(id: string, { previous }: PluginEntry): void {
    const ready = Object.values(previous);
    for (const [key, found] of [...this.#kept]) {
      if (
        idOf(key) !== id ||
        ready.includes(key.slice(id.length + 1)) ||
        this.#registry.get(key)?.package === found
      )
        continue;
      this.#kept.delete(key);
      if (isSnapshot(found)) this.#parts.snapshots.drop(key);
    }
  }

  /** The versions to record for a plugin: its own, and the one that it stands for. */
  #meantBy(record: PluginRecord): readonly string[] {
    return [versionOf(record) ?? [], this.#standingFor(record.key)].flat();
  }

  #standingFor(key: string): readonly string[] {
    const version = this.#standsFor.get(key);
    return version === undefined || this.#registry.get(keyOf(idOf(key), version)) !== undefined
      ? []
      : [version];
  }

  #entryOf(id: string): PluginEntry {
    return this.#entries.get(id) ?? NO_ENTRY;
  }

  #versionsOf(id: string): readonly string[] {
    return this.#registry.versions(id).flatMap((record) => manifestOf(record)?.version ?? []);
  }

  /** The plugins that a reference names: one version if it names one, else all of an id. */
  #meant(reference: string): readonly PluginRecord[] {
    const record = this.#require(reference);
    const all = this.#registry.versions(record.id);
    return all.length === 0 || reference.includes('@') ? [record] : all;
  }

  #require(reference: string): PluginRecord {
    const record = this.#registry.find(reference);
    if (record === undefined)
      throw createError('plugin/not-found', `no plugin '${reference}' is installed`, {
        plugin: reference,
      });
    return record;
  }

  /** Calls must be routed when it matters which version they reach. */
  #versionsChanged(id: string): void {
    const { commands, lanes } = this.#parts;
    const special =
      this.#registry.versions(id).length > 1 ||
      Object.keys(this.#entryOf(id).deprecated).length > 0;
    if (commands.isSpecial(id) === special) return;
    commands.setSpecial(id, special);
    lanes.review();
  }
}

/** The plugin that has acted. Undefined for the application. */
const actor = (by: string | undefined) => (by === undefined ? {} : { by });

/** The prefix of the origin of a package that is kept in the store. */
const ORIGIN = 'installed:';

const NONE_REFUSED: ReadonlyMap<PluginPackage, Error> = new Map();

/** Withdraws a consent after the operation that it was for has failed. */
async function undone(back: () => Promise<void>, error: unknown): Promise<never> {
  await back().catch(() => {});
  throw error;
}

const STATES: readonly unknown[] = ['required', 'optional'];

/** Whether the old version's own state is the obstacle, not what the new one makes of it. */
const isAboutState = (error: unknown): boolean =>
  hookOf(error) === 'getState' ||
  (error as Partial<PluginError> | null)?.code === 'plugin/state-too-large';

function isolationOf(
  of: Parameters<Launcher['isolationOf']>[0],
  launcher: InstallerParts['launcher'],
): Isolation | undefined {
  try {
    return launcher.isolationOf(of);
  } catch {
    // A package that may not run at all is refused when it is loaded.
    return undefined;
  }
}

function versionedManifest(record: PluginRecord): Manifest {
  const manifest = manifestOf(record);
  if (manifest !== undefined) return manifest;
  throw record.state === 'failed'
    ? record.error
    : createError('plugin/illegal-transition', `${record.id} has no manifest yet`, {
        plugin: record.id,
      });
}

function checkLater({ id, version }: ValidatedPlugin, from: string): void {
  if (compareVersions(version, from) > 0) return;
  throw createError(
    'plugin/downgrade',
    `cannot update ${id} to ${version}: ${from} is there, which is not older; roll back, or install both`,
    {
      plugin: id,
      details: { version, installed: from },
    },
  );
}

function consentRequired(
  { id, version }: ValidatedPlugin,
  from: string,
  growth: Growth,
  cause?: unknown,
): Error {
  return createError(
    'permission/consent-required',
    `cannot update ${id} to ${version}: it asks for more than ${from} does (${describe(growth)}), and nobody has agreed`,
    {
      plugin: id,
      details: { permissions: growth, version },
      ...(cause !== undefined && { cause }),
    },
  );
}

function isWithin(growth: Growth, agreed: Growth | undefined): boolean {
  return Object.entries(growth).every(([name, scopes]) =>
    scopes.every((scope) => agreed?.[name]?.includes(scope)),
  );
}

function describe(growth: Growth): string {
  return Object.entries(growth)
    .map(([name, scopes]) => `${name}: ${scopes.join(', ')}`)
    .join('; ');
}

/** The place that a version was installed from. An object of the application has none. */
const placeOf = ({ package: found, origin }: ValidatedPlugin): readonly string[] =>
  isSnapshot(found) ? [origin] : [];

/** Installed versions, other than this one, whose line comes from the place that it is in. */
const lineOf = (
  { installed, places = {} }: PluginEntry,
  version: string,
  origin: string,
): readonly string[] =>
  Object.keys(installed).filter((other) => other !== version && places[other]?.includes(origin));

/** Most places that are remembered of one line. */
const MAX_PLACES = 16;

const without = (list: readonly string[], ...gone: readonly string[]) =>
  list.filter((one) => !gone.includes(one));
const omit = <T>(
  record: Readonly<Record<string, T>>,
  ...gone: readonly string[]
): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !gone.includes(key)));
/** Without what is ready for versions, or is one of them. */
const withoutPrevious = (previous: Readonly<Record<string, string>>, versions: readonly string[]) =>
  Object.fromEntries(
    Object.entries(previous).filter(
      ([of, version]) => !versions.includes(of) && !versions.includes(version),
    ),
  );
