/** What the tenants of a kernel share of the packages that they run. */
import { SharedGuests } from '../guests/shared-guests.js';
import type { PluginPackage, StorageAdapter } from '../host.js';
import { CodeCache } from '../lifecycle/code-cache.js';
import { PackageSnapshots } from '../sources/package-snapshots.js';

/** Owns the copies of packages, the text of their code, and the guests that serve all tenants. */
export class Packages {
  readonly snapshots: PackageSnapshots;
  readonly code = new CodeCache();
  readonly guests = new SharedGuests();
  readonly #taken = new WeakMap<PluginPackage, PluginPackage>();

  /**
   * @param read milliseconds in which a source has to return a bundle.
   * @param isUsed whether a tenant has a package of a name.
   */
  constructor(storage: StorageAdapter, read: number, isUsed: (name: string) => boolean) {
    this.snapshots = new PackageSnapshots(storage, read);
    this.snapshots.isUsed = isUsed;
  }

  /** A package as all tenants use it: it stays as it was found. */
  take(found: PluginPackage): PluginPackage {
    const taken = this.#taken.get(found) ?? this.snapshots.take(found);
    this.#taken.set(found, taken);
    return taken;
  }
}
