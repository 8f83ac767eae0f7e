/** Decisions about versions: whether they may start, and whether they are deprecated. */
import { type DrainOptions, drainOf } from '../../lifecycle/drain.js';
import type { Lifecycle } from '../../lifecycle/lifecycle.js';
import type { Limits } from '../../limits.js';
import { isAsleep, isRunning, type PluginRecord } from '../../plugin/record.js';
import type { Announce } from '../../reporting.js';
import type { Entries } from './entries.js';
import { withDeprecated, withSwitched } from './entry-changes.js';
import { namesVersion, type References, versionedManifest } from './references.js';
import type { Routing } from './routing.js';
import type { Startup } from './startup.js';

/** What this module needs from the kernel. */
export interface DecisionsParts {
  readonly lifecycle: Pick<Lifecycle, 'isStarting' | 'deactivate' | 'members'>;
  readonly limits: Limits;
  readonly announce: Announce;
  readonly entries: Pick<Entries, 'of' | 'run' | 'change'>;
  readonly references: Pick<References, 'require' | 'meant' | 'meantBy'>;
  readonly routing: Pick<Routing, 'changed'>;
  readonly startup: Pick<Startup, 'start'>;
}

/** Owns nothing: the decisions are in the entries. */
export class Decisions {
  readonly #parts: DecisionsParts;

  constructor(parts: DecisionsParts) {
    this.#parts = parts;
  }

  /** Allows a plugin to start again. A plugin whose activation asks for that is started at once. */
  async enable(reference: string, by?: string): Promise<void> {
    const { references, startup } = this.#parts;
    await this.#setEnabled(reference, true, by);
    await startup.start(() =>
      references
        .meant(reference)
        .filter(({ state }) => state === 'resolved' || state === 'unloaded' || state === 'failed'),
    );
  }

  /** Stops a plugin. Nothing starts it until it is enabled again. */
  async disable(reference: string, options?: DrainOptions, by?: string): Promise<void> {
    const { lifecycle, limits } = this.#parts;
    const drain = drainOf(options, limits);
    await this.#setEnabled(reference, false, by, async (record) => {
      if (isRunning(record) || isAsleep(record) || lifecycle.isStarting(record.key))
        await lifecycle.deactivate(record.key, 'disable', drain);
    });
  }

  async #setEnabled(
    reference: string,
    enabled: boolean,
    by: string | undefined,
    then?: (record: PluginRecord) => Promise<void>,
  ): Promise<void> {
    const { lifecycle, announce, entries, references } = this.#parts;
    const { id } = references.require(reference);
    await entries.run(id, async () => {
      const meant = references.meant(reference);
      const versions = meant.flatMap((record) => references.meantBy(record));
      const named = namesVersion(reference);
      await entries.change(id, (entry) => withSwitched(entry, { versions, enabled, named }));
      for (const { key } of meant) lifecycle.members.setEnabled(key, enabled);
      for (const record of meant)
        announce(enabled ? 'plugin:enabled' : 'plugin:disabled', {
          id,
          version: versionedManifest(record).version,
          ...(by !== undefined && { by }),
        });
      if (then !== undefined) for (const { key } of meant) await then(references.require(key));
    });
  }

  /** Marks a version as deprecated: the log names its callers. `false` removes the mark. */
  async deprecate(reference: string, message: string | false): Promise<void> {
    const { entries, references, routing } = this.#parts;
    const record = references.require(reference);
    const { version } = versionedManifest(record);
    await entries.run(record.id, async () => {
      await entries.change(record.id, (entry) => withDeprecated(entry, version, message));
      routing.changed(record.id);
    });
  }

  /** Why a version is deprecated. */
  deprecation(id: string, version: string): string | undefined {
    const { deprecated } = this.#parts.entries.of(id);
    return Object.hasOwn(deprecated, version) ? deprecated[version] : undefined;
  }
}
