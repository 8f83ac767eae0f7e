/** Brings back the version that an update has replaced. */
import { createError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import type { Trusting } from '../../lifecycle/trusting.js';
import { manifestOf, type PluginRecord, versionOf } from '../../plugin/record.js';
import { keyOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Announce } from '../../reporting.js';
import type { Entries } from './entries.js';
import { withRolledBack } from './entry-changes.js';
import type { Handover } from './handover.js';
import { isKept, type KeptPackages } from './kept-packages.js';
import { namesVersion, type References } from './references.js';
import type { Reserve } from './reserve.js';
import type { Routing } from './routing.js';
import type { Switching } from './switching.js';
import type { Trials } from './trials.js';

/** What this module needs from the kernel. */
export interface RollingBackParts {
  readonly registry: Pick<PluginRegistry, 'get' | 'versions'>;
  readonly members: Pick<Members, 'validate'>;
  readonly trust: Pick<Trusting, 'lower'>;
  readonly announce: Announce;
  readonly entries: Pick<Entries, 'of' | 'run' | 'change'>;
  readonly references: Pick<References, 'require' | 'standingFor' | 'isStandIn'>;
  readonly handover: Pick<Handover, 'giveBack'>;
  readonly packages: Pick<KeptPackages, 'packageOf'>;
  readonly reserve: Pick<Reserve, 'get' | 'forget'>;
  readonly switching: Pick<Switching, 'replace' | 'backTo'>;
  readonly trials: Pick<Trials, 'end'>;
  readonly routing: Pick<Routing, 'changed'>;
}

/** Owns the order of a rollback: owner, plugin, entry. Undone in reverse. */
export class RollingBack {
  readonly #parts: RollingBackParts;

  constructor(parts: RollingBackParts) {
    this.#parts = parts;
  }

  /** Brings back the version that an update has replaced. */
  async rollback(reference: string, reason: string): Promise<void> {
    const { members, announce, entries, references, reserve, switching, trials, routing } =
      this.#parts;
    const { id } = references.require(reference);
    await entries.run(id, async () => {
      const { current, of, version } = this.#replacedBy(reference, id);
      trials.end(current.key);
      const kept = this.#packageOf(id, version);
      const next = members.validate(kept.found);
      const raise = await this.#lower(next);
      const automatic = reason !== 'request';
      const replacing = switching.replace(current, next, 'whatever happens', automatic);
      const now = await replacing.catch(async (error: unknown) => {
        await raise();
        throw error;
      });
      try {
        await entries.change(id, (entry) =>
          withRolledBack(entry, {
            of,
            version,
            standsFor: references.standingFor(keyOf(id, version)),
            installed: kept.installed,
          }),
        );
      } catch (error) {
        await switching.backTo(current, now);
        await raise();
        throw error;
      }
      reserve.forget(keyOf(id, version));
      routing.changed(id);
      announce('plugin:rolled-back', { id, version, from: of, reason });
    });
  }

  /** @throws PluginLifecycleError `plugin/no-previous-version`. */
  #replacedBy(reference: string, id: string): Rollback {
    const { registry, entries } = this.#parts;
    const { previous } = entries.of(id);
    const of = this.#updated(reference);
    const current = of === undefined ? undefined : registry.get(keyOf(id, of));
    const version = of === undefined ? undefined : previous[of];
    if (of !== undefined && version !== undefined && current !== undefined)
      return { current, of, version };
    throw createError(
      'plugin/no-previous-version',
      `cannot roll ${reference} back: no update has replaced a version of it`,
      { plugin: id },
    );
  }

  /** The updated version where a reference points: that one itself, or the highest of its id. */
  #updated(reference: string): string | undefined {
    const { registry, entries, references } = this.#parts;
    const record = references.require(reference);
    const { previous } = entries.of(record.id);
    const version = versionOf(record);
    if (version !== undefined && Object.hasOwn(previous, version)) return version;
    if (namesVersion(reference)) return undefined;
    return registry
      .versions(record.id)
      .flatMap((one) => manifestOf(one)?.version ?? [])
      .find((one) => Object.hasOwn(previous, one));
  }

  /**
   * The package of the version that comes back.
   *
   * @throws PluginLifecycleError `plugin/no-previous-version`.
   */
  #packageOf(id: string, version: string): Returning {
    const { entries, references, packages, reserve } = this.#parts;
    const { installed, ready } = entries.of(id);
    const key = keyOf(id, version);
    const manifest = installed[version] ?? ready[version];
    const found =
      reserve.get(key) ?? (manifest === undefined ? undefined : packages.packageOf(key, manifest));
    if (found === undefined)
      throw createError(
        'plugin/no-previous-version',
        `cannot roll ${id} back to ${version}: its package is not there any more`,
        { plugin: id },
      );
    // What `reload` has put in place stays as long as the kernel runs.
    const lasts = isKept(found) || !references.isStandIn(key);
    return {
      found,
      // The store keeps from now on what its source may have lost.
      installed: manifest !== undefined && lasts ? { [version]: manifest } : {},
    };
  }

  /** Lets an older version start, as the owner's. Resolves to a function that undoes this. */
  async #lower(next: ReturnType<Members['validate']>): Promise<() => Promise<void>> {
    const { trust, handover } = this.#parts;
    const lower = await trust.lower(next.id, next.version);
    const hands = await handover.giveBack(next);
    return async () => {
      await lower();
      await hands();
    };
  }
}

/** Which version goes, and which one comes back. */
interface Rollback {
  readonly current: PluginRecord;
  readonly of: string;
  readonly version: string;
}

/** The version that comes back. */
interface Returning {
  readonly found: PluginPackage;
  /** What its entry has of it afterwards: the text of its manifest, by version. */
  readonly installed: Readonly<Record<string, string>>;
}
