/** Removes plugins for good, and with `purge` all that is kept under their id. */
import { createError } from '@plinth/sdk/contract';
import { drainOf } from '../../lifecycle/drain.js';
import type { Members } from '../../lifecycle/members.js';
import type { Limits } from '../../limits.js';
import { oneOf } from '../../option-checks.js';
import { type PluginRecord, versionOf } from '../../plugin/record.js';
import { idOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Announce } from '../../reporting.js';
import type { Entries } from './entries.js';
import { withUninstalled } from './entry-changes.js';
import type { UninstallOptions } from './installer-options.js';
import type { PluginData } from './plugin-data.js';
import { namesVersion, type References } from './references.js';
import type { Rivals } from './rivals.js';
import type { Routing } from './routing.js';
import type { Trials } from './trials.js';

/** What this module needs from the kernel. */
export interface UninstallingParts {
  readonly registry: Pick<PluginRegistry, 'find' | 'versions'>;
  readonly members: Pick<Members, 'remove'>;
  readonly limits: Limits;
  readonly announce: Announce;
  readonly data: Pick<PluginData, 'leftovers' | 'checkPurge' | 'purge'>;
  readonly entries: Pick<Entries, 'run' | 'change' | 'needless'>;
  readonly references: Pick<References, 'find' | 'meant' | 'meantBy' | 'forget'>;
  readonly rivals: Pick<Rivals, 'forget'>;
  readonly trials: Pick<Trials, 'end'>;
  readonly routing: Pick<Routing, 'changed'>;
}

/** Owns the order of an uninstallation: the removal is remembered before a plugin stops. */
export class Uninstalling {
  readonly #parts: UninstallingParts;

  constructor(parts: UninstallingParts) {
    this.#parts = parts;
  }

  /** Stops plugins and removes them: all versions of an id, or the one that is named. */
  async uninstall(reference: string, options?: UninstallOptions, by?: string): Promise<void> {
    const { members, limits, announce, data, entries, references, rivals, trials, routing } =
      this.#parts;
    const drain = drainOf(options, limits);
    oneOf('purge', options?.purge, [true, false]);
    const purge = options?.purge === true;
    // What is not installed yet may be by its turn.
    const id = references.find(reference)?.id ?? idOf(reference);
    await entries.run(id, async () => {
      if (purge) await data.checkPurge(id);
      const left = purge && (await this.#isLeftover(reference));
      const going = left ? [] : references.meant(reference);
      if (purge) this.#checkLast(id, going);
      await this.#remember(id, going, !namesVersion(reference));
      for (const { key } of going) {
        trials.end(key);
        await members.remove(key, drain);
        references.forget(key);
      }
      routing.changed(id);
      const version = namesVersion(reference) && going[0] ? versionOf(going[0]) : undefined;
      const facts = {
        id,
        ...(version !== undefined && { version }),
        ...(by !== undefined && { by }),
      };
      if (!purge) return announce('plugin:uninstalled', facts);
      rivals.forget(id);
      try {
        await data.purge(id);
      } catch (error) {
        announce('plugin:uninstalled', facts);
        throw error;
      }
      announce('plugin:uninstalled', { ...facts, purged: true });
    });
  }

  /** Whether a plugin isn't installed any more, and something is kept of it. */
  async #isLeftover(reference: string): Promise<boolean> {
    const { registry, data } = this.#parts;
    return (
      registry.find(reference) === undefined &&
      (await data.leftovers()).some(({ plugin }) => plugin === reference)
    );
  }

  /** @throws PluginConfigurationError `kernel/invalid-option` while other versions stay. */
  #checkLast(id: string, going: readonly PluginRecord[]): void {
    if (this.#parts.registry.versions(id).length <= going.length) return;
    throw createError(
      'kernel/invalid-option',
      `what is kept of ${id} can only be purged with its last version: uninstall('${id}', { purge: true })`,
      {
        plugin: id,
        details: { option: 'purge' },
      },
    );
  }

  async #remember(id: string, going: readonly PluginRecord[], whole: boolean): Promise<void> {
    const { entries, references } = this.#parts;
    const versions = going.flatMap((record) => references.meantBy(record));
    if (versions.length === 0) return;
    await entries.change(id, (entry) =>
      withUninstalled(entry, {
        versions,
        needless: entries.needless(id, entry, versions),
        whole,
      }),
    );
  }
}
