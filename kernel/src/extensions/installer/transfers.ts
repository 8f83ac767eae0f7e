/** Gives an id to another owner by name, whatever packages there are. */
import { createError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../../host.js';
import type { Members } from '../../lifecycle/members.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import type { Announce } from '../../reporting.js';
import type { Admitting } from './admitting.js';
import type { Entries } from './entries.js';
import type { Owners } from './owners.js';
import type { Rivals } from './rivals.js';
import type { Routing } from './routing.js';
import type { Startup } from './startup.js';

/** What this module needs from the kernel. */
export interface TransfersParts {
  readonly registry: Pick<PluginRegistry, 'versions' | 'all' | 'remove'>;
  readonly members: Pick<Members, 'remove'>;
  readonly owners: Pick<Owners, 'of' | 'owns' | 'handOf' | 'set'>;
  readonly announce: Announce;
  readonly entries: Pick<Entries, 'run'>;
  readonly rivals: Pick<Rivals, 'take'>;
  readonly admitting: Pick<Admitting, 'admit'>;
  readonly routing: Pick<Routing, 'changed'>;
  readonly startup: Pick<Startup, 'start'>;
}

/** Owns nothing: the owners of ids are those of {@link Owners}. */
export class Transfers {
  readonly #parts: TransfersParts;

  constructor(parts: TransfersParts) {
    this.#parts = parts;
  }

  /** Gives an id and what it keeps to another owner: its packages are admitted, others end. */
  async transfer(id: string, to: string): Promise<void> {
    if (typeof id !== 'string' || typeof to !== 'string' || to === '')
      throw createError(
        'kernel/invalid-option',
        `a plugin is transferred to an owner by name, not to ${String(to)}`,
      );
    const { registry, owners, announce, entries, rivals, admitting, routing, startup } =
      this.#parts;
    await entries.run(id, async () => {
      const from = await owners.of(id).catch(() => undefined);
      await owners.set(id, to);
      const packages = rivals.take(id);
      const others = await this.#removeOthers(id);
      for (const record of registry.all())
        if (record.state === 'failed' && packages.has(record.package)) registry.remove(record.key);
      announce('plugin:transferred', { id, to, ...(from !== undefined && { from }) });
      await admitting.admit([...packages, ...others]);
      routing.changed(id);
    });
    await startup.start(() => registry.versions(id).filter(({ state }) => state === 'resolved'));
  }

  /** Removes the plugins that don't belong to the owner of their id. Answers their packages. */
  async #removeOthers(id: string): Promise<readonly PluginPackage[]> {
    const { registry, members, owners } = this.#parts;
    const others: PluginPackage[] = [];
    for (const record of registry.versions(id)) {
      if (await owners.owns(id, owners.handOf(record.package))) continue;
      others.push(record.package);
      await members.remove(record.key);
    }
    return others;
  }
}
