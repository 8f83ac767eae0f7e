/**
 * Which plugins have a database, kept twice: as a list, and as a mark of each plugin. The kernel
 * deletes the mark with everything else that it keeps of a plugin. So a plugin of the list without
 * its mark was purged, and when it still has a database, a crash came in between.
 */
import type { Documents } from '@plinth/kernel/extension';
import type { SqlPort } from './statics.js';

/** Owns the marks of one tenant. */
export class Marks {
  readonly #marks: Documents<boolean>;
  readonly #list: Documents<readonly string[]>;
  readonly #known = new Set<string>();

  constructor({ documents }: Pick<SqlPort, 'documents'>) {
    this.#marks = documents.open({
      name: 'database',
      per: 'plugin',
      version: 1,
      parse: (value) => value === true,
    });
    this.#list = documents.open({
      name: 'databases',
      per: 'tenant',
      version: 1,
      parse(value) {
        if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
        throw new Error('it is no list of plugins');
      },
    });
  }

  /** Marks a plugin, before anything is written to its database. */
  async add(plugin: string): Promise<void> {
    if (this.#known.has(plugin)) return;
    // In this order: one that is only in the list would count as purged.
    await this.#marks.set(true, plugin);
    await this.#list.update((all = []) => [...new Set([...all, plugin])]);
    this.#known.add(plugin);
  }

  /** The kernel has deleted a mark. */
  deleted(plugin: string): void {
    this.#known.delete(plugin);
  }

  /** The database of a purged plugin is deleted. */
  async over(plugin: string): Promise<void> {
    if ((await this.#list.get())?.includes(plugin) !== true) return;
    await this.#list.update((all = []) => all.filter((one) => one !== plugin));
  }

  /** Those that were purged, and whose databases may be there still. */
  async purged(): Promise<readonly string[]> {
    const all = (await this.#list.get()) ?? [];
    if (all.length === 0) return [];
    const marked = new Set(await this.#marks.ids());
    return all.filter((plugin) => !marked.has(plugin));
  }
}
