/** Packages in the store: kept before they are installed or replaced, and read from there again. */
import { messageOf } from '@plinth/sdk/contract';
import type { PluginPackage } from '../../host.js';
import type { Bundles } from '../../lifecycle/bundles.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import {
  asValidated,
  type PluginRecord,
  type ValidatedPlugin,
  versionOf,
} from '../../plugin/record.js';
import { idOf, keyOf, versionIn } from '../../registry/key.js';
import { isSnapshot, ran } from '../../sources/package-snapshots.js';
import type { Log } from '../../telemetry/logger.js';
import type { Entries } from './entries.js';
import type { Arriving } from './entry-changes.js';
import type { Owners } from './owners.js';
import { packagesIn } from './plugin-entry.js';
import type { RegistryStore } from './registry-store.js';

/** What this module needs from the kernel. */
export interface KeptPackagesParts {
  readonly entries: Pick<Entries, 'of'>;
  readonly store: Omit<RegistryStore, 'load' | 'change'>;
  readonly bundles: Pick<Bundles, 'read'>;
  readonly trust: Pick<Trusting, 'admit'>;
  readonly owners: Pick<Owners, 'handOf' | 'broughtBy'>;
  readonly log: Log;
}

/** Owns the packages in the store, except for those that no entry names any more. */
export class KeptPackages {
  readonly #parts: KeptPackagesParts;

  constructor(parts: KeptPackagesParts) {
    this.#parts = parts;
  }

  /** Keeps a package in the store while it is admitted. When that fails, nothing of it is left. */
  async during(record: ValidatedPlugin, work: () => Promise<void>): Promise<void> {
    if (record.package.exported !== undefined) return work();
    const { store, bundles, trust } = this.#parts;
    const { key } = record;
    const before = await store.findCode(key);
    const beforeSigned = await store.signature(key);
    const code = await bundles.read(record);
    await trust.admit(record.package, record.manifest, code);
    await store.keepCode(key, code, await record.package.signature?.());
    ran(record.package, key);
    try {
      await work();
    } catch (error) {
      const undone =
        before === undefined ? store.forgetCode(key) : store.keepCode(key, before, beforeSigned);
      await undone.catch(() => {});
      throw error;
    }
  }

  /**
   * Keeps a version before it is replaced, as its source may lose it before it comes back. Answers
   * the text of its manifest, by version.
   */
  async keepReady(old: PluginRecord): Promise<Readonly<Record<string, string>>> {
    const { entries, store, bundles, log } = this.#parts;
    if (
      old.state === 'discovered' ||
      old.state === 'denied' ||
      old.state === 'failed' ||
      old.package.exported !== undefined ||
      packagesIn(entries.of(old.id)).includes(versionOf(old) ?? '')
    )
      return {};
    try {
      await store.keepCode(old.key, await bundles.read(old), await old.package.signature?.());
      return textOf(old.state === 'validated' ? old : asValidated(old));
    } catch (error) {
      log.write(
        'kernel',
        'warn',
        `${old.key} is replaced, and could not be kept for a rollback: ${messageOf(error)}`,
        { plugin: old.id },
      );
      return {};
    }
  }

  /** Deletes what {@link keepReady} has kept for an update that has failed. */
  async forgetReady(id: string, ready: Readonly<Record<string, string>>): Promise<void> {
    for (const kept of Object.keys(ready))
      await this.#parts.store.forgetCode(keyOf(id, kept)).catch(() => {});
  }

  /** What the entry keeps of a version that comes. */
  arriving(record: ValidatedPlugin): Arriving {
    const { version, origin, package: found } = record;
    const hand = this.#parts.owners.handOf(found);
    return {
      version,
      installed: textOf(record),
      places: isSnapshot(found) ? [origin] : [],
      brought: hand === undefined ? {} : { [version]: hand.origin },
    };
  }

  /** The package of a version, as the store has it. */
  packageOf(key: string, manifest: string): PluginPackage {
    const { store, owners, entries } = this.#parts;
    const made: PluginPackage = {
      origin: `${ORIGIN}${key}`,
      held: true,
      manifest,
      code: () => store.code(key),
      signature: () => store.signature(key),
    };
    owners.broughtBy(made, entries.of(idOf(key)).brought?.[versionIn(key)]);
    return made;
  }
}

/** Whether a package is one of the store. */
export const isKept = ({ origin }: { readonly origin: string }): boolean =>
  origin.startsWith(ORIGIN);

/** The prefix of the origin of a package that is kept in the store. */
const ORIGIN = 'installed:';

/** An object of the application can't be kept. The application must provide it again. */
function textOf({
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
