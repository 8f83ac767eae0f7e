/** Replaces the guest of a plugin for as long as the kernel runs. Nothing of that is remembered. */
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Bundles } from '../../lifecycle/bundles.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import { isSnapshot, type PackageSnapshots } from '../../sources/package-snapshots.js';
import type { Entries } from './entries.js';
import { type Handover, undone } from './handover.js';
import type { Incoming } from './incoming.js';
import type { OwnerOptions } from './installer-options.js';
import type { References } from './references.js';

/** What this module needs from the kernel. */
export interface ReloadingParts {
  readonly lifecycle: Pick<Lifecycle, 'reload' | 'members'>;
  readonly snapshots: Pick<PackageSnapshots, 'refresh'>;
  readonly bundles: Pick<Bundles, 'forget'>;
  readonly incoming: Pick<Incoming, 'take'>;
  readonly entries: Pick<Entries, 'run'>;
  readonly references: Pick<References, 'require' | 'reloaded'>;
  readonly handover: Pick<Handover, 'take'>;
}

/** Owns nothing: which version stands for which is kept by {@link References}. */
export class Reloading {
  readonly #parts: ReloadingParts;

  constructor(parts: ReloadingParts) {
    this.#parts = parts;
  }

  /** Replaces the guest of a plugin by one of another package. */
  async reload(
    reference: string,
    found: PluginPackage | PluginSource,
    { owner }: OwnerOptions = {},
  ): Promise<void> {
    const { lifecycle, incoming, entries, references, handover } = this.#parts;
    const taken = incoming.take(found);
    const next = taken instanceof Promise ? await taken : taken;
    await entries.run(references.require(reference).id, async () => {
      const old = references.require(reference);
      const back = await handover.take(next, owner);
      if (next.id === old.id && next.key !== old.key) lifecycle.members.checkFree(next);
      await lifecycle.reload(old.key, next).catch((error: unknown) => undone(back, error));
      references.reloaded(old, next.key);
    });
  }

  /** Replaces the guest by one of what its place has now, whatever manifest and bundle. */
  async reloadAsItIs(key: string): Promise<void> {
    const { lifecycle, snapshots, bundles, references } = this.#parts;
    const { package: found } = references.require(key);
    const fresh = isSnapshot(found)
      ? await snapshots.refresh(found, (one) => lifecycle.members.validate(one).manifest.main)
      : found;
    if (fresh !== found) return this.reload(key, fresh);
    bundles.forget(found);
    await lifecycle.reload(key);
  }
}
