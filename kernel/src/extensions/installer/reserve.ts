/** The packages of versions that aren't installed now and may come back. */
import type { PluginPackage } from '../../host.js';
import { idOf, versionIn } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { isSnapshot, type PackageSnapshots } from '../../sources/package-snapshots.js';
import type { PluginEntry } from './plugin-entry.js';

/** What the reserve needs from the kernel. */
export interface ReserveParts {
  readonly registry: Pick<PluginRegistry, 'get'>;
  readonly snapshots: Pick<PackageSnapshots, 'drop'>;
}

/** Owns these packages, by key, for as long as the kernel runs. */
export class Reserve {
  readonly #parts: ReserveParts;
  readonly #kept = new Map<string, PluginPackage>();

  constructor(parts: ReserveParts) {
    this.#parts = parts;
  }

  get(key: string): PluginPackage | undefined {
    return this.#kept.get(key);
  }

  /** Keeps the package of a version that is replaced. */
  keep(key: string, found: PluginPackage): void {
    this.#kept.set(key, found);
  }

  /** Keeps a package, unless one of the same version is kept already. */
  putAside(key: string, found: PluginPackage): void {
    if (!this.#kept.has(key)) this.#kept.set(key, found);
  }

  /** The version is installed again. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Keeps, of versions not installed, only those for a rollback: one for each line. */
  review(id: string, { previous }: PluginEntry): void {
    const { registry, snapshots } = this.#parts;
    const ready = Object.values(previous);
    for (const [key, found] of [...this.#kept]) {
      if (
        idOf(key) !== id ||
        ready.includes(versionIn(key)) ||
        registry.get(key)?.package === found
      )
        continue;
      this.#kept.delete(key);
      if (isSnapshot(found)) snapshots.drop(key);
    }
  }
}
