/**
 * Installing, enabling, updating: what changes the set of plugins for good. Each is a transaction over the registry's
 * store: all of it or nothing, undone in reverse. Operations on one plugin id run one after the other.
 */
import { compareVersions, createError, type Manifest, messageOf } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import { packageFrom } from '../lifecycle/admission.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { readCode } from '../lifecycle/load.js';
import { Turns } from '../lifecycle/turns.js';
import type { KernelParts } from '../parts.js';
import { grantsOf } from '../permissions/broker.js';
import { type Growth, growthOf } from '../permissions/growth.js';
import { asValidated, isAsleep, isRunning, manifestOf, type PluginRecord, type ValidatedPlugin, versionOf } from '../record.js';
import { idOf, keyOf } from './key.js';
import type { PluginRegistry } from './plugin-registry.js';
import { NO_ENTRY, packagesIn, type PluginEntry, type RegistryStore } from './registry-store.js';
import { Trial } from './trial.js';

/** How an update is made. */
export interface UpdateOptions {
  /** Whether permissions that the new version asks for and the old one didn't are given without asking anybody. */
  readonly consent?: boolean;
}

/** Asks whoever decides whether a plugin may do more than before. */
export type AskConsent = (question: { readonly plugin: string; readonly version: string; readonly permissions: Growth }) => Promise<boolean>;

/** What an installer needs of the kernel. */
export interface InstallerParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly store: RegistryStore;
  readonly parts: KernelParts;
  readonly consent: AskConsent;
}

/** Owns the registry's entries and the trials of updated plugins. */
export class Installer {
  readonly #registry: PluginRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #store: RegistryStore;
  readonly #parts: KernelParts;
  readonly #consent: AskConsent;
  readonly #turns = new Turns();
  readonly #entries = new Map<string, PluginEntry>();
  /** Packages of versions that aren't there now and may come back. */
  readonly #kept = new Map<string, PluginPackage>();
  readonly #trials = new Map<string, Trial>();
  /** Of what `reload` has put in the place of another version, for as long as the kernel runs: the version that was there. */
  readonly #standsFor = new Map<string, string>();
  #started = false;
  #closed = false;

  constructor({ registry, lifecycle, store, parts, consent }: InstallerParts) {
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#store = store;
    this.#parts = parts;
    this.#consent = consent;
  }

  /** Takes in what sources have and what was installed before, as it was left. */
  async open(found: readonly PluginPackage[]): Promise<void> {
    const entries = await this.#store.load();
    for (const [id, entry] of entries) this.#entries.set(id, entry);
    const installed = [...entries].flatMap(([id, entry]) =>
      Object.entries({ ...entry.ready, ...entry.installed }).map(([version, manifest]) => this.#storedPackage(keyOf(id, version), manifest)),
    );
    const known = new Set<string>();
    this.#lifecycle.admit([...found, ...installed], ({ id, version, key, package: one }) => {
      const { retired, disabled } = this.#entryOf(id);
      if (retired.includes(version)) {
        if (!this.#kept.has(key)) this.#kept.set(key, one);
        return false;
      }
      // The same version in the store is only there for the day its source has lost it.
      if (one.origin.startsWith(ORIGIN) && this.#registry.get(key) !== undefined) return false;
      known.add(id);
      if (disabled.includes(version)) this.#lifecycle.setEnabled(key, false);
      return true;
    });
    for (const id of known) this.#versionsChanged(id);
    // A trial isn't over because the kernel ended.
    for (const [id, { trials }] of entries) for (const version of trials) if (this.#registry.get(keyOf(id, version)) !== undefined) this.#try(keyOf(id, version));
  }

  /** Says that plugins may be activated now. */
  started(): void {
    this.#started = true;
  }

  /** Adds a plugin beside what is there, and answers its id; doesn't activate it. */
  async install(found: PluginPackage | PluginSource): Promise<string> {
    const record = this.#lifecycle.validate(await packageFrom(found));
    const { id, key, version } = record;
    await this.#run(id, async () => {
      this.#lifecycle.checkAddable(record);
      await this.#keeping(record, async () => {
        const installed = (entry: PluginEntry) => ({
          ...entry,
          installed: { ...entry.installed, ...this.#asInstalled(record) },
          retired: without(entry.retired, version),
          disabled: without(entry.disabled, version),
        });
        await this.#change(id, installed, true);
        try {
          this.#lifecycle.setEnabled(key, true);
          await this.#lifecycle.add(record);
        } catch (error) {
          await this.#change(id, (entry) => ({ ...entry, installed: omit(entry.installed, version) }));
          throw error;
        }
      });
      this.#versionsChanged(id);
      this.#parts.announce('plugin:installed', { id, version, origin: record.origin });
    });
    return id;
  }

  /** Stops plugins and forgets them: all versions of an id, or the one that is named. */
  async uninstall(reference: string): Promise<void> {
    const { id } = this.#require(reference);
    await this.#run(id, async () => {
      const going = this.#meant(reference);
      const versions = going.flatMap((record) => this.#meantBy(record));
      // The package of a source stays where it is, so it is remembered that nobody wants it.
      const retired = (entry: PluginEntry) => versions.filter((version) => !Object.hasOwn(entry.installed, version));
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
        }));
      }
      for (const { key } of going) {
        this.#endTrial(key);
        await this.#lifecycle.remove(key);
        this.#standsFor.delete(key);
        this.#lifecycle.setEnabled(key, true);
      }
      this.#versionsChanged(id);
      this.#parts.announce('plugin:uninstalled', { id });
    });
  }

  /** Settles when an operation on a plugin is over; undefined when none is under way. */
  settled(id: string): Promise<void> | undefined {
    return this.#turns.busy(id) ? this.#turns.settled(id) : undefined;
  }

  /** Replaces the guest of a plugin by one of another package, for as long as the kernel runs. */
  async reload(reference: string, found: PluginPackage | PluginSource): Promise<void> {
    const next = this.#lifecycle.validate(await packageFrom(found));
    await this.#run(this.#require(reference).id, async () => {
      const old = this.#require(reference);
      if (next.id === old.id && next.key !== old.key) {
        this.#lifecycle.checkFree(next);
        this.#lifecycle.setEnabled(next.key, this.#lifecycle.isEnabled(old.key));
      }
      await this.#lifecycle.reload(old.key, next);
      const version = this.#standsFor.get(old.key) ?? versionOf(old);
      if (next.key !== old.key && version !== undefined) this.#standsFor.set(next.key, version);
    });
  }

  /** Lets a plugin start again; one that asks for it is started at once. */
  async enable(reference: string): Promise<void> {
    await this.#setEnabled(reference, true);
    if (!this.#started) return;
    const starting = this.#meant(reference).filter(({ state }) => state === 'resolved' || state === 'unloaded' || state === 'failed');
    for (const record of starting) {
      // A failure is recorded, as at the start of the kernel: the plugin is enabled all the same.
      if (manifestOf(record)?.activation.includes('startup')) await this.#lifecycle.activate(record.key, 'startup').catch(() => {});
    }
  }

  /** Stops a plugin and keeps it from being started by anything. */
  async disable(reference: string): Promise<void> {
    await this.#setEnabled(reference, false, async (record) => {
      if (isRunning(record) || isAsleep(record) || this.#lifecycle.isStarting(record.key)) await this.#lifecycle.deactivate(record.key);
    });
  }

  /**
   * Replaces a plugin by a later version of it. The version before stays ready: it comes back when it is asked for, or by
   * itself when the new one turns out bad within its trial.
   */
  async update(reference: string, found: PluginPackage | PluginSource, { consent = false }: UpdateOptions = {}): Promise<void> {
    const next = this.#lifecycle.validate(await packageFrom(found));
    const { id } = next;
    const before = this.#require(reference);
    if (id !== before.id) {
      throw createError('plugin/illegal-transition', `cannot update ${before.id} with a package of ${id}`, { plugin: before.id, details: { other: id } });
    }
    for (let updated = false; !updated; ) {
      const agreed = consent ? undefined : await this.#askConsent(this.#require(reference), next);
      updated = await this.#run(id, async () => {
        // Another version may be there by now than the one that was compared: then it is asked again.
        const growth = consent ? undefined : this.#growth(this.#require(reference), next);
        if (growth !== undefined && !isWithin(growth, agreed)) return false;
        await this.#update(this.#require(reference), next);
        return true;
      });
    }
  }

  async #update(old: PluginRecord, next: ValidatedPlugin): Promise<void> {
    const { id, version } = next;
    const from = versionedManifest(old).version;
    checkLater(next, from);
    this.#lifecycle.checkFree(next);
    await this.#keeping(next, async () => {
      const key = await this.#replace(old, next);
      const ready = await this.#keepReady(old);
      const replaced = this.#meantBy(old);
      try {
        await this.#change(id, (entry) => ({
          ...entry,
          // What the old one had replaced in its time is let go of, and nothing else: others may have installed what isn't known here.
          installed: { ...omit(entry.installed, ...this.#needless(id, entry, [from])), ...this.#asInstalled(next) },
          ready: { ...omit(entry.ready, version, ...this.#needless(id, entry, [from])), ...(Object.hasOwn(entry.installed, from) ? {} : ready) },
          retired: [...without(entry.retired, version, ...replaced), ...replaced],
          disabled: entry.disabled.includes(from) ? [...without(entry.disabled, from, version), version] : without(entry.disabled, version),
          previous: { ...omit(entry.previous, from), [version]: from },
          trials: [...without(entry.trials, from, version), ...(this.#parts.limits.trial === 0 ? [] : [version])],
        }));
      } catch (error) {
        await this.#backTo(old, key);
        for (const kept of Object.keys(ready)) await this.#store.forgetCode(keyOf(id, kept)).catch(() => {});
        throw error;
      }
      this.#kept.set(old.key, old.package);
      this.#versionsChanged(id);
      this.#parts.announce('plugin:updated', { id, version, from });
      this.#endTrial(old.key);
      this.#try(key);
    });
  }

  /** Brings the version back that an update has replaced. */
  async rollback(reference: string, reason = 'request'): Promise<void> {
    const { id } = this.#require(reference);
    await this.#run(id, async () => {
      const { previous, installed, ready } = this.#entryOf(id);
      const of = this.#updated(reference);
      const current = of === undefined ? undefined : this.#registry.get(keyOf(id, of));
      const version = of === undefined ? undefined : previous[of];
      if (of === undefined || version === undefined || current === undefined)
        throw createError('plugin/no-previous-version', `cannot roll ${reference} back: no update has replaced a version of it`, { plugin: id });
      this.#endTrial(current.key);
      const key = keyOf(id, version);
      const manifest = installed[version] ?? ready[version];
      const kept = this.#kept.get(key) ?? (manifest === undefined ? undefined : this.#storedPackage(key, manifest));
      if (kept === undefined) throw createError('plugin/no-previous-version', `cannot roll ${id} back to ${version}: its package is not there any more`, { plugin: id });
      const next = this.#lifecycle.validate(kept);
      const raise = await this.#parts.trust.lower(id, version);
      const now = await this.#replace(current, next, true).catch(async (error: unknown) => {
        await raise();
        throw error;
      });
      try {
        await this.#change(id, (entry) => ({
          ...entry,
          retired: without(entry.retired, version, ...this.#standingFor(key)),
          // One that its source has lost is the store's from now on.
          installed: { ...omit(entry.installed, of), ...(kept.origin.startsWith(ORIGIN) && manifest !== undefined && { [version]: manifest }) },
          ready: omit(entry.ready, version),
          disabled: entry.disabled.includes(of) ? [...without(entry.disabled, of), version] : entry.disabled,
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
      this.#parts.announce('plugin:rolled-back', { id, version, from: of, reason });
    });
  }

  /** Says that a version should not be used any more; its callers are named in the log. `false` takes that back. */
  async deprecate(reference: string, message: string | false): Promise<void> {
    const record = this.#require(reference);
    const { version } = versionedManifest(record);
    await this.#run(record.id, async () => {
      await this.#change(record.id, (entry) => ({ ...entry, deprecated: { ...omit(entry.deprecated, version), ...(message !== false && { [version]: message }) } }));
      this.#versionsChanged(record.id);
    });
  }

  /** Why a version should not be used any more. */
  deprecation(id: string, version: string): string | undefined {
    const { deprecated } = this.#entryOf(id);
    return Object.hasOwn(deprecated, version) ? deprecated[version] : undefined;
  }

  /** Waits for what is under way and ends all trials. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const key of [...this.#trials.keys()]) this.#endTrial(key);
    await this.#turns.idle();
    for (const key of [...this.#trials.keys()]) this.#endTrial(key);
  }

  async #run<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, async () => {
      if (this.#closed) throw createError('kernel/stopped', `cannot change ${id}: the kernel has stopped`, { plugin: id });
      return work();
    });
  }

  // --- steps -----------------------------------------------------------------------------------------------------

  /** Keeps a package in the store while it is taken in; when that fails, nothing of it is left. */
  async #keeping(record: ValidatedPlugin, work: () => Promise<void>): Promise<void> {
    if (record.package.exported !== undefined) return work();
    const { key } = record;
    const before = await this.#store.findCode(key);
    const beforeSigned = await this.#store.signature(key);
    const code = await readCode(record, this.#parts);
    await this.#parts.trust.admit(record.package, record.manifest, code);
    await this.#store.keepCode(key, code, await record.package.signature?.());
    try {
      await work();
    } catch (error) {
      const undone = before === undefined ? this.#store.forgetCode(key) : this.#store.keepCode(key, before, beforeSigned);
      await undone.catch(() => {});
      throw error;
    }
  }

  /** An object of the application can't be kept: it is there again when the application says so. */
  #asInstalled({ version, manifest, package: found }: ValidatedPlugin): Readonly<Record<string, string>> {
    return found.exported === undefined ? { [version]: typeof found.manifest === 'string' ? found.manifest : JSON.stringify(manifest) } : {};
  }

  #storedPackage(key: string, manifest: string): PluginPackage {
    return { origin: `${ORIGIN}${key}`, manifest, code: () => this.#store.code(key), signature: () => this.#store.signature(key) };
  }

  /**
   * Puts another version in the place of one, running when that one ran. When that fails, the one before is there again.
   *
   * @param force whether it should succeed even without its state, and when the one before has failed.
   */
  async #replace(old: PluginRecord, next: ValidatedPlugin, force = false): Promise<string> {
    const { key } = old;
    this.#lifecycle.setEnabled(next.key, this.#lifecycle.isEnabled(key));
    // One that starts is swapped when it runs.
    await this.#lifecycle.settled(key);
    if (!this.#lifecycle.wantsToRun(key) && !(force && this.#registry.get(key)?.state === 'failed')) return this.#lifecycle.exchange(key, next);
    try {
      return await this.#lifecycle.reload(key, next);
    } catch (error) {
      if (!force) throw error;
      this.#parts.log.write('kernel', 'warn', `${old.id} comes back without its state: ${messageOf(error)}`, { plugin: old.id });
    }
    // What has failed has changed nothing: it is tried once more, without.
    return this.#lifecycle.reload(key, next, true);
  }

  /** Undoes a replacement; what goes wrong with that is only said: there is an error already that is more to the point. */
  async #backTo(old: PluginRecord, key: string): Promise<void> {
    try {
      const present = this.#registry.get(key);
      if (present !== undefined) await this.#replaceBack(present, this.#lifecycle.validate(old.package));
    } catch (error) {
      this.#parts.log.write('kernel', 'error', `could not bring ${old.id} back as it was: ${messageOf(error)}`, { plugin: old.id });
    }
  }

  async #replaceBack(present: PluginRecord, before: ValidatedPlugin): Promise<void> {
    const { key } = present;
    this.#lifecycle.setEnabled(before.key, this.#lifecycle.isEnabled(key));
    if (present.state === 'active') {
      await this.#lifecycle.reload(key, before).catch(() => this.#lifecycle.reload(key, before, true));
      return;
    }
    await this.#lifecycle.exchange(key, before);
    if (present.state !== 'resolved' && present.state !== 'unloaded') await this.#lifecycle.activate(before.key);
  }

  /** The version that an update has put where a reference points: that one itself, or the highest of its id. */
  #updated(reference: string): string | undefined {
    const record = this.#require(reference);
    const { previous } = this.#entryOf(record.id);
    const version = versionOf(record);
    if (version !== undefined && Object.hasOwn(previous, version)) return version;
    return reference.includes('@') ? undefined : this.#versionsOf(record.id).find((one) => Object.hasOwn(previous, one));
  }

  /** Packages that stood ready for versions, and are neither there nor ready for others. */
  #needless(id: string, entry: PluginEntry, versions: readonly string[]): readonly string[] {
    const others = Object.values(withoutPrevious(entry.previous, versions));
    return versions.flatMap((of) => entry.previous[of] ?? []).filter((version) => !others.includes(version) && this.#registry.get(keyOf(id, version)) === undefined);
  }

  /** Keeps what is about to be replaced for the day it comes back: its source may have lost it by then. */
  async #keepReady(old: PluginRecord): Promise<Readonly<Record<string, string>>> {
    if (old.state === 'discovered' || old.state === 'failed' || old.package.exported !== undefined || packagesIn(this.#entryOf(old.id)).includes(versionOf(old) ?? '')) return {};
    try {
      await this.#store.keepCode(old.key, await readCode(old, this.#parts), await old.package.signature?.());
      return this.#asInstalled(old.state === 'validated' ? old : asValidated(old));
    } catch (error) {
      this.#parts.log.write('kernel', 'warn', `${old.key} is replaced, and could not be kept for a rollback: ${messageOf(error)}`, { plugin: old.id });
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
        this.#parts.log.write('kernel', 'error', `${key} is rolled back: ${reason}`, { plugin: idOf(key) });
        this.rollback(key, reason).catch((error: unknown) => {
          this.#parts.log.write('kernel', 'error', `could not roll ${key} back: ${messageOf(error)}`, { plugin: idOf(key) });
        });
      },
      () => {
        this.#trials.delete(key);
        const { id, version } = { id: idOf(key), version: key.slice(idOf(key).length + 1) };
        this.#run(id, () => this.#change(id, (entry) => ({ ...entry, trials: without(entry.trials, version) }))).catch(() => {});
      },
    );
    this.#trials.set(key, trial);
  }

  #endTrial(key: string): void {
    this.#trials.get(key)?.close();
    this.#trials.delete(key);
  }

  #growth(old: PluginRecord, next: ValidatedPlugin): Growth | undefined {
    const { permissions } = this.#parts.policy;
    return growthOf(grantsOf(versionedManifest(old), permissions), grantsOf(next.manifest, permissions));
  }

  /** What was agreed to; undefined when there was nothing to ask. May take as long as whoever is asked likes. */
  async #askConsent(old: PluginRecord, next: ValidatedPlugin): Promise<Growth | undefined> {
    const growth = this.#growth(old, next);
    if (growth === undefined) return undefined;
    let cause: unknown;
    try {
      if (await this.#consent({ plugin: next.id, version: next.version, permissions: growth })) return growth;
    } catch (error) {
      cause = error;
    }
    throw consentRequired(next, versionedManifest(old).version, growth, cause);
  }

  async #setEnabled(reference: string, enabled: boolean, then?: (record: PluginRecord) => Promise<void>): Promise<void> {
    const { id } = this.#require(reference);
    await this.#run(id, async () => {
      const meant = this.#meant(reference);
      const versions = meant.flatMap((record) => this.#meantBy(record));
      await this.#change(id, (entry) => ({ ...entry, disabled: enabled ? without(entry.disabled, ...versions) : [...without(entry.disabled, ...versions), ...versions] }));
      for (const { key } of meant) this.#lifecycle.setEnabled(key, enabled);
      for (const record of meant) this.#parts.announce(enabled ? 'plugin:enabled' : 'plugin:disabled', { id, version: versionedManifest(record).version });
      if (then !== undefined) for (const { key } of meant) await then(this.#require(key));
    });
  }

  async #change(id: string, change: (entry: PluginEntry) => PluginEntry, repair = false): Promise<void> {
    const before = packagesIn(this.#entryOf(id));
    const after = await this.#store.change(id, change, repair);
    this.#entries.set(id, after);
    // A package that stays by accident does no harm: it is swept when a kernel starts.
    for (const version of before) if (!packagesIn(after).includes(version)) await this.#store.forgetCode(keyOf(id, version)).catch(() => {});
  }

  /** The versions that are to be written down when a plugin is meant: its own, and the one that it stands for. */
  #meantBy(record: PluginRecord): readonly string[] {
    return [versionOf(record) ?? [], this.#standingFor(record.key)].flat();
  }

  #standingFor(key: string): readonly string[] {
    const version = this.#standsFor.get(key);
    return version === undefined || this.#registry.get(keyOf(idOf(key), version)) !== undefined ? [] : [version];
  }

  #entryOf(id: string): PluginEntry {
    return this.#entries.get(id) ?? NO_ENTRY;
  }

  #versionsOf(id: string): readonly string[] {
    return this.#registry.versions(id).flatMap((record) => manifestOf(record)?.version ?? []);
  }

  /** What a reference stands for: one version when it names one, every version of an id otherwise. */
  #meant(reference: string): readonly PluginRecord[] {
    const record = this.#require(reference);
    const all = this.#registry.versions(record.id);
    return all.length === 0 || reference.includes('@') ? [record] : all;
  }

  #require(reference: string): PluginRecord {
    const record = this.#registry.find(reference);
    if (record === undefined) throw createError('plugin/not-found', `no plugin '${reference}' is installed`, { plugin: reference });
    return record;
  }

  /** Calls have to be looked at when it matters which version they reach. */
  #versionsChanged(id: string): void {
    const { commands, lanes } = this.#parts;
    const special = this.#registry.versions(id).length > 1 || Object.keys(this.#entryOf(id).deprecated).length > 0;
    if (commands.isSpecial(id) === special) return;
    commands.setSpecial(id, special);
    lanes.review();
  }
}

/** What the origin of a package that is kept in the store begins with. */
const ORIGIN = 'installed:';

function versionedManifest(record: PluginRecord): Manifest {
  const manifest = manifestOf(record);
  if (manifest !== undefined) return manifest;
  throw record.state === 'failed' ? record.error : createError('plugin/illegal-transition', `${record.id} has no manifest yet`, { plugin: record.id });
}

function checkLater({ id, version }: ValidatedPlugin, from: string): void {
  if (compareVersions(version, from) > 0) return;
  throw createError('plugin/downgrade', `cannot update ${id} to ${version}: ${from} is there, which is not older; roll back, or install both`, {
    plugin: id,
    details: { version, installed: from },
  });
}

function consentRequired({ id, version }: ValidatedPlugin, from: string, growth: Growth, cause?: unknown): Error {
  return createError('permission/consent-required', `cannot update ${id} to ${version}: it asks for more than ${from} does (${describe(growth)}), and nobody has agreed`, {
    plugin: id,
    details: { permissions: growth, version },
    ...(cause !== undefined && { cause }),
  });
}

function isWithin(growth: Growth, agreed: Growth | undefined): boolean {
  return Object.entries(growth).every(([name, scopes]) => scopes.every((scope) => agreed?.[name]?.includes(scope)));
}

function describe(growth: Growth): string {
  return Object.entries(growth)
    .map(([name, scopes]) => `${name}: ${scopes.join(', ')}`)
    .join('; ');
}

const without = (list: readonly string[], ...gone: readonly string[]) => list.filter((one) => !gone.includes(one));
const omit = (record: Readonly<Record<string, string>>, ...gone: readonly string[]) => Object.fromEntries(Object.entries(record).filter(([key]) => !gone.includes(key)));
/** Without what stands ready for versions, or is one of them. */
const withoutPrevious = (previous: Readonly<Record<string, string>>, versions: readonly string[]) =>
  Object.fromEntries(Object.entries(previous).filter(([of, version]) => !versions.includes(of) && !versions.includes(version)));
