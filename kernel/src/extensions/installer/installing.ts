/** Adds a plugin beside the others for good. */
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import type { ValidatedPlugin } from '../../plugin/record.js';
import type { Announce } from '../../reporting.js';
import type { Entries } from './entries.js';
import { withInstalled, withoutInstalled } from './entry-changes.js';
import { type Handover, undone } from './handover.js';
import type { Incoming } from './incoming.js';
import type { OwnerOptions } from './installer-options.js';
import type { KeptPackages } from './kept-packages.js';
import type { Routing } from './routing.js';

/** What this module needs from the kernel. */
export interface InstallingParts {
  readonly members: Pick<Members, 'checkAddable' | 'setEnabled' | 'add'>;
  readonly announce: Announce;
  readonly incoming: Pick<Incoming, 'take'>;
  readonly entries: Pick<Entries, 'run' | 'change'>;
  readonly packages: Pick<KeptPackages, 'during' | 'arriving'>;
  readonly handover: Pick<Handover, 'take'>;
  readonly routing: Pick<Routing, 'changed'>;
}

/** Owns the order of an installation: owner, package, entry, plugin. Undone in reverse. */
export class Installing {
  readonly #parts: InstallingParts;

  constructor(parts: InstallingParts) {
    this.#parts = parts;
  }

  /** Adds a plugin beside the installed ones, and answers its id. Doesn't activate it. */
  async install(
    found: PluginPackage | PluginSource,
    { owner }: OwnerOptions = {},
    by?: string,
  ): Promise<string> {
    const { members, incoming, entries, handover } = this.#parts;
    const taken = incoming.take(found);
    const record = taken instanceof Promise ? await taken : taken;
    const { id } = record;
    await entries.run(id, async () => {
      members.checkAddable(record);
      const back = await handover.take(record, owner);
      await this.#install(record, by).catch((error: unknown) => undone(back, error));
    });
    return id;
  }

  async #install(record: ValidatedPlugin, by: string | undefined): Promise<void> {
    const { members, announce, entries, packages, routing } = this.#parts;
    const { id, key, version, origin } = record;
    await packages.during(record, async () => {
      await entries.change(id, (entry) => withInstalled(entry, packages.arriving(record)), true);
      try {
        members.setEnabled(key, true);
        await members.add(record);
      } catch (error) {
        await entries.change(id, (entry) => withoutInstalled(entry, version));
        throw error;
      }
    });
    routing.changed(id);
    announce('plugin:installed', { id, version, origin, ...(by !== undefined && { by }) });
  }
}
