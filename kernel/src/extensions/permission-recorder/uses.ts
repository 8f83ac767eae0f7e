/** The uses of one version of a plugin: which rights, and whether its manifest declares them. */
import {
  FLAGS,
  type Manifest,
  type PermissionName,
  type Permissions,
  parseAsked,
  rightReaches,
} from '@plinth/sdk/contract';
import { ceilingOf, grantsOf } from '../../permissions/granted.js';
import { OWNED, type WrittenRight, writtenRights } from '../../permissions/written-right.js';
import { type Scopes, writtenFor } from './scopes.js';

/** Most scopes of one permission that are kept. A manifest takes no more in one list. */
export const MAX_SCOPES = 256;
/** Most uses that are recognized without another look. */
const MAX_SEEN = 1_024;

/** Scopes by permission, a bounded number of each. */
class ScopeSets {
  readonly all = new Map<PermissionName, Set<string>>();

  /** Returns whether there was room. */
  add(permission: PermissionName, scope: string): boolean {
    const known = this.all.get(permission) ?? new Set();
    if (known.size >= MAX_SCOPES && !known.has(scope)) return false;
    this.all.set(permission, known.add(scope));
    return true;
  }
}

/** Owns what was observed of one version. */
export class Uses {
  readonly manifest: Manifest;
  /** What the manifest declares, with the members of its services. */
  readonly declared: Permissions;
  readonly #needed: Permissions;
  readonly #inside = new ScopeSets();
  readonly #beside = new ScopeSets();
  readonly #free = new ScopeSets();
  readonly #refused = new ScopeSets();
  readonly #lacking = new ScopeSets();
  /** Declared rights that were used, as `permission scope`. */
  readonly #touched = new Set<string>();
  /** Rights that were used without a subject. */
  readonly anySubject = new Set<PermissionName>();
  /** Permissions with more scopes than are kept, used or refused. */
  readonly partial = new Set<PermissionName>();
  /** Permissions with more used scopes than are kept. */
  readonly unbounded = new Set<PermissionName>();
  /** Most bytes that the plugin wanted to keep at once. */
  bytes = 0;
  readonly #seen = new Set<string>();
  readonly #rights = new Map<Permissions, Map<PermissionName, readonly WrittenRight[]>>();

  constructor(manifest: Manifest) {
    const { permissions } = manifest;
    this.manifest = manifest;
    this.declared = ceilingOf(manifest, permissions) as Permissions;
    this.#needed = grantsOf({ ...manifest, permissions: {} }, undefined);
  }

  /** Uses that the manifest declares. */
  get inside(): Scopes {
    return this.#inside.all;
  }

  /** Uses that were allowed, and that the manifest doesn't declare. */
  get beside(): Scopes {
    return this.#beside.all;
  }

  /** Uses that the manifest's needs allow. */
  get free(): Scopes {
    return this.#free.all;
  }

  /** Uses that were refused. */
  get refused(): Scopes {
    return this.#refused.all;
  }

  /** Uses that were refused, and that the manifest doesn't declare. */
  get lacking(): Scopes {
    return this.#lacking.all;
  }

  /** Whether a declared right was used. */
  touched(permission: PermissionName, scope: string): boolean {
    return this.#touched.has(`${permission} ${scope}`);
  }

  /** A right was used, or refused. The scope may be chosen by the plugin. */
  add(permission: PermissionName, scope: string, allowed: boolean): void {
    const key = `${allowed ? '+' : '-'}${permission} ${scope}`;
    if (this.#seen.has(key)) return;
    if (scope.length <= MAX_SCOPES) {
      if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
      this.#seen.add(key);
    }
    if (OWNED.has(permission) && scope.startsWith(`${this.manifest.id}:`)) return;
    const written = writtenFor(permission, scope);
    if (written === undefined) return;
    if (allowed && scope === '' && !FLAGS.has(permission)) {
      this.anySubject.add(permission);
      return;
    }
    const kept = allowed
      ? this.#setFor(permission, scope).add(permission, written)
      : this.#refuse(permission, scope, written);
    if (kept) return;
    this.partial.add(permission);
    if (allowed) this.unbounded.add(permission);
  }

  #setFor(permission: PermissionName, scope: string): ScopeSets {
    if (this.#reaching(this.#needed, permission, scope).length > 0) return this.#free;
    const declared = this.#reaching(this.declared, permission, scope);
    for (const text of declared) this.#touched.add(`${permission} ${text}`);
    return declared.length > 0 ? this.#inside : this.#beside;
  }

  #refuse(permission: PermissionName, scope: string, written: string): boolean {
    const known = [this.#needed, this.declared].some(
      (permissions) => this.#reaching(permissions, permission, scope).length > 0,
    );
    const kept = this.#refused.add(permission, written);
    return (known || this.#lacking.add(permission, written)) && kept;
  }

  /** The rights that allow a use, as they are written. */
  #reaching(
    permissions: Permissions,
    permission: PermissionName,
    scope: string,
  ): readonly string[] {
    const compiled = this.#rights.get(permissions) ?? new Map();
    this.#rights.set(permissions, compiled);
    const rights: readonly WrittenRight[] =
      compiled.get(permission) ?? writtenRights(permission, permissions);
    compiled.set(permission, rights);
    if (scope === '') return rights.map(({ text }) => text);
    const asked = parseAsked(permission, scope);
    return rights.flatMap(({ text, right }) =>
      rightReaches(permission, right, asked) ? [text] : [],
    );
  }
}
