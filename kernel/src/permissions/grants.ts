/**
 * The current rights of plugins: (what the manifest asks for + what was granted) ∩ what policy and
 * extensions allow, without what was revoked. A change applies from the next message on. Resources
 * that were opened under a lost right are closed.
 */
import {
  type Caller,
  type Manifest,
  type PermissionName,
  type Permissions,
  parseAsked,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import type { Denied, PermissionSet, RightBounds } from './broker.js';
import { type ChainPolicy, Delegation } from './delegation.js';
import { covers, type Denial, denialOf, isDenied, ungrantable } from './denial.js';
import { deniedByEither } from './denied.js';
import type { GrantRecords, GrantTerms, RefusedRight } from './grant-records.js';
import {
  askingFor,
  askingForAll,
  ceilingOf,
  grantsOf,
  intersect,
  only,
  type PermissionPolicy,
  rightsWithin,
} from './granted.js';
import type { Observing } from './observing.js';
import { mayAnswer, providedByTrust } from './open-contracts.js';
import type { RateBucket } from './rate.js';
import { isGuarding, type RightsSources } from './rights-sources.js';
import type { TrustVerdict } from './trust-level.js';

/** What grants need of the kernel. */
export interface GrantsParts {
  readonly records: GrantRecords;
  readonly policy: PermissionPolicy | undefined;
  readonly chain: ChainPolicy | undefined;
  /** What extensions change. */
  readonly sources: RightsSources;
  /** How far a plugin is trusted, as far as that is decided and known. */
  trustOf(manifest: Manifest): TrustVerdict;
  /** What observes how plugins use their rights. */
  readonly observing?: Observing | undefined;
}

interface Watched {
  readonly manifest: Manifest;
  readonly set: PermissionSet;
  onChange(): void;
}

/** Owns the rights of one tenant's plugins. */
export class Grants {
  readonly #parts: GrantsParts;
  readonly #book: GrantRecords;
  readonly #watched = new Map<string, Set<Watched>>();
  /** How often rights were used, by plugin. */
  readonly #rates = new Map<string, Map<string, RateBucket>>();
  /** Rights of plugins that act for each other. */
  readonly delegation: Delegation;

  /** Called with the id of the plugin whose rights have changed. */
  onChange: ((id: string) => void) | undefined = undefined;

  constructor(parts: GrantsParts) {
    this.#parts = parts;
    this.#book = parts.records;
    this.delegation = new Delegation(parts.chain);
  }

  /** Reads the kept grants. Unreadable entries are reported, and grant nothing. */
  open(): Promise<void> {
    return this.#book.open();
  }

  /** Whether rights of a plugin were granted or revoked beside its manifest. */
  has(id: string): boolean {
    return this.#book.has(id);
  }

  /** Whether a plugin may guard others by a right that its manifest doesn't ask for. */
  mayGuard(manifest: Manifest): boolean {
    const { granted } = this.#parts.sources.of(manifest);
    return this.has(manifest.id) || granted.some(({ permission }) => isGuarding(permission));
  }

  /** The current rights of a plugin, as a list. */
  of(manifest: Manifest): Permissions {
    const given = this.#given(manifest);
    const provide = this.#providesByTrust(manifest, this.#parts.trustOf(manifest));
    return provide === undefined ? given : { ...given, contracts: { provide } };
  }

  /** The same for a reader: rights from trust are listed only as far as they are used. */
  listed(manifest: Manifest): Permissions {
    const asked = this.asked(manifest);
    const open = (manifest.provides ?? [])
      .map((contract) => parseAsked('contracts.provide', contract).scope)
      .filter((contract) => contract !== manifest.id);
    const usable = open.filter((contract) => this.mayProvide(manifest, contract));
    const provide = [...new Set([...scopesOf(asked, 'contracts.provide'), ...usable])];
    const { contracts: _, ...all } = this.#given(manifest);
    return provide.length === 0 ? all : { ...all, contracts: { provide } };
  }

  /** What a plugin asks for and was granted, within policy; without what trust adds. */
  asked(manifest: Manifest): Permissions {
    return this.allowed(manifest, this.#withGranted(manifest));
  }

  /**
   * What is asked for, as far as policy and extensions allow it.
   *
   * @param asking the manifest with what else is asked for; only the manifest's own when absent.
   */
  allowed(manifest: Manifest, asking: Manifest = manifest): Permissions {
    return rightsWithin(asking, this.#ceiling(manifest, asking));
  }

  #given(manifest: Manifest): Permissions {
    return this.allowed(manifest, this.#asking(manifest));
  }

  /** The most that policy and extensions allow. Undefined for everything. */
  #ceiling(manifest: Manifest, asking: Manifest = this.#asking(manifest)): Permissions | undefined {
    const own = ceilingOf(asking, this.#parts.policy);
    const { ceiling } = this.#parts.sources.of(manifest);
    return own === undefined || ceiling === undefined ? (own ?? ceiling) : intersect(own, ceiling);
  }

  /** Whether a plugin may provide an open contract, or may once its signature is checked. */
  mayProvide(manifest: Manifest, contract: string): boolean {
    const trust = this.#parts.trustOf(manifest);
    const provide = this.#providesByTrust(manifest, trust === 'unknown' ? 'trusted' : trust);
    const given = provide ?? scopesOf(this.#given(manifest), 'contracts.provide');
    return mayAnswer(contract, given, this.denied(manifest).get('contracts.provide'));
  }

  /** Open contracts that a plugin may provide unasked. Undefined where it has to ask. */
  #providesByTrust(manifest: Manifest, trust: TrustVerdict): readonly string[] | undefined {
    const { policy } = this.#parts;
    // Without any policy, plugins are the application's own.
    if (trust !== 'trusted' && !(trust === 'undecided' && policy === undefined)) return undefined;
    const { ceiling } = this.#parts.sources.of(manifest);
    return providedByTrust(ceilingOf(this.#asking(manifest), policy), ceiling);
  }

  /** Whether a plugin has a permission for any scope. */
  may(manifest: Manifest, permission: PermissionName): boolean {
    const revoked =
      this.denied(manifest)
        .get(permission)
        ?.some(({ scope, except }) => scope === '*' && !except.includes('*')) === true;
    return !revoked && scopesOf(this.of(manifest), permission).length > 0;
  }

  /** The bounds on all rights of a plugin together. */
  bounds(manifest: Manifest): RightBounds {
    const rates = this.#rates.get(manifest.id) ?? new Map();
    this.#rates.set(manifest.id, rates);
    return { ceiling: this.#ceiling(manifest), rates };
  }

  /** Why a plugin lacks a right. */
  why(manifest: Manifest, permission: PermissionName, scope: string): Denial {
    const asking = this.#asking(manifest);
    const asked = rightsWithin(asking, undefined);
    const ceiling = ceilingOf(asking, this.#parts.policy);
    const denied = this.#book.denied(manifest.id);
    const { by } = this.#parts.sources.of(manifest);
    return denialOf({ plugin: manifest.id, asked, ceiling, denied, by }, permission, scope);
  }

  /** Whether an extension or the application denies a right, whether it is asked for or not. */
  denies(manifest: Manifest, permission: PermissionName, scope: string): boolean {
    const { by } = this.#parts.sources.of(manifest);
    return isDenied(by, this.#book.denied(manifest.id), permission, scope);
  }

  /** What a manifest asks for within policy. An extension's bounds may go away without consent. */
  written(manifest: Manifest): Permissions {
    return grantsOf(manifest, this.#parts.policy);
  }

  /** The same, with what extensions grant. */
  unasked(manifest: Manifest): Permissions {
    return this.written(askingFor(manifest, this.#parts.sources.of(manifest).granted));
  }

  /** The scopes that were revoked, by the application or by an extension. */
  denied(manifest: Manifest): Denied {
    return deniedByEither(...this.deniedBy(manifest));
  }

  /** The same: what the application has revoked, and what extensions have. */
  deniedBy(manifest: Manifest): readonly [application: Denied, extensions: Denied] {
    return [this.#book.denied(manifest.id), this.#parts.sources.of(manifest).denied];
  }

  /** What observes the uses of rights. Undefined when nothing does. */
  get observing(): Observing | undefined {
    return this.#parts.observing;
  }

  /** Keeps a guest's rights current. Returns a function that stops watching. */
  watch(manifest: Manifest, caller: Caller, set: PermissionSet, onChange: () => void): () => void {
    this.delegation.add(manifest, caller, set);
    const watched: Watched = { manifest, set, onChange };
    const all = this.#watched.get(manifest.id) ?? new Set();
    this.#watched.set(manifest.id, all.add(watched));
    return () => {
      all.delete(watched);
      if (all.size === 0 && this.#watched.get(manifest.id) === all)
        this.#watched.delete(manifest.id);
    };
  }

  /**
   * Grants a plugin a right at once. Resolves when that is kept.
   *
   * @throws PluginPermissionError `permission/denied` when policy or an extension doesn't allow it,
   * PluginValidationError `permission/invalid`.
   */
  async grant(
    manifest: Manifest,
    permission: PermissionName,
    scope: string,
    options: GrantTerms = {},
  ): Promise<void> {
    const { id } = manifest;
    this.#book.check(id, permission, scope, options);
    if (!this.mayGet(manifest, permission, scope)) {
      const byPolicy = this.written(only(manifest, permission, scope));
      const { by } = this.#parts.sources.of(manifest);
      throw ungrantable(id, permission, scope, covers(byPolicy, permission, scope) ? by : []);
    }
    await this.#book.grant(id, permission, scope, options);
  }

  /** Revokes a right at once, and closes what was opened under it. Resolves when that is kept. */
  revoke(id: string, permission: PermissionName, scope: string): Promise<void> {
    return this.#book.revoke(id, permission, scope);
  }

  /** The requests of a plugin that are answered no without being asked again. */
  refused(id: string): readonly RefusedRight[] {
    return this.#book.refused(id);
  }

  /** Remembers a no for so many milliseconds. One without end is kept. */
  refuse(id: string, right: RefusedRight, time: number): Promise<void> {
    return this.#book.refuse(id, right, time);
  }

  /** Forgets the refusals that a scope covers, or all. Resolves when that is kept. */
  forget(id: string, permission?: PermissionName, scope?: string): Promise<void> {
    return this.#book.forget(id, permission, scope);
  }

  /** Deletes the grants, revocations and refusals of a plugin. */
  purge(id: string): Promise<void> {
    return this.#book.purge(id);
  }

  /** Whether policy and extensions would allow a plugin a right. */
  mayGet(manifest: Manifest, permission: PermissionName, scope: string): boolean {
    const taken = this.#parts.sources.of(manifest).denied.get(permission) ?? [];
    if (taken.some((one) => scopeCovers(permission, one.scope, scope))) return false;
    return covers(this.allowed(manifest, only(manifest, permission, scope)), permission, scope);
  }

  close(): Promise<void> {
    return this.#book.close();
  }

  #asking(manifest: Manifest): Manifest {
    // Only policy bounds a trusted plugin, whatever its manifest lists.
    return this.#parts.trustOf(manifest) === 'trusted'
      ? askingForAll(manifest)
      : this.#withGranted(manifest);
  }

  #withGranted(manifest: Manifest): Manifest {
    const { granted } = this.#parts.sources.of(manifest);
    return askingFor(manifest, [...this.#book.granted(manifest.id), ...granted]);
  }

  /** The rights of a plugin have changed. */
  changed(id: string): void {
    for (const { manifest, set, onChange } of this.#watched.get(id) ?? []) {
      set.replace(this.of(manifest), this.denied(manifest), this.bounds(manifest));
      onChange();
    }
    this.onChange?.(id);
  }
}
