/**
 * What is remembered about the plugins now, by id. Operations on one id run one by one, and each
 * change is written before it counts.
 */
import { createError } from '@plinth/sdk/contract';
import { KeyedQueue } from '../../concurrency.js';
import { keyOf } from '../../registry/key.js';
import type { PluginRegistry } from '../../registry/plugin-registry.js';
import { needlessIn, releasedBy } from './entry-changes.js';
import { NO_ENTRY, type PluginEntry } from './plugin-entry.js';
import type { RegistryStore } from './registry-store.js';
import type { Reserve } from './reserve.js';

/** What the entries need from the kernel. */
export interface EntriesParts {
  readonly registry: Pick<PluginRegistry, 'get'>;
  readonly store: Pick<RegistryStore, 'load' | 'change' | 'forgetCode'>;
  readonly reserve: Pick<Reserve, 'review'>;
}

/** Owns the registry's entries, and the turns of the operations on each id. */
export class Entries {
  readonly #parts: EntriesParts;
  readonly #turns = new KeyedQueue();
  readonly #entries = new Map<string, PluginEntry>();
  #closed = false;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
  }

  /** Reads every entry. */
  async load(): Promise<ReadonlyMap<string, PluginEntry>> {
    const entries = await this.#parts.store.load();
    for (const [id, entry] of entries) this.#entries.set(id, entry);
    return entries;
  }

  of(id: string): PluginEntry {
    return this.#entries.get(id) ?? NO_ENTRY;
  }

  /**
   * Changes an entry, and lets go of the packages that it doesn't name any more.
   *
   * @param repair whether an entry that is damaged, with its copy, may start empty.
   */
  async change(
    id: string,
    change: (entry: PluginEntry) => PluginEntry,
    repair = false,
  ): Promise<void> {
    const { store, reserve } = this.#parts;
    const before = this.of(id);
    const after = await store.change(id, change, repair);
    this.#entries.set(id, after);
    reserve.review(id, after);
    // A package that stays by accident does no harm. It is removed when a kernel starts.
    for (const version of releasedBy(before, after))
      await store.forgetCode(keyOf(id, version)).catch(() => {});
  }

  /** Packages that were ready for versions, and are neither installed nor ready for others. */
  needless(id: string, entry: PluginEntry, versions: readonly string[]): readonly string[] {
    const { registry } = this.#parts;
    return needlessIn(entry, versions, (version) => registry.get(keyOf(id, version)) !== undefined);
  }

  /**
   * Runs an operation on an id after the earlier ones.
   *
   * @throws PluginUnavailableError `kernel/stopped`.
   */
  run<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, async () => {
      if (this.#closed)
        throw createError('kernel/stopped', `cannot change ${id}: the kernel has stopped`, {
          plugin: id,
        });
      return work();
    });
  }

  /** Settles when an operation on an id is over. Undefined when none is in progress. */
  settled(id: string): Promise<void> | undefined {
    return this.#turns.busy(id) ? this.#turns.idle(id) : undefined;
  }

  /** No operation begins from now on. Settles when those in progress are over. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#turns.idle();
  }
}
