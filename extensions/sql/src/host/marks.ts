/**
 * Marks of the plugins that have a database. The kernel deletes a mark with everything else that it
 * keeps of a plugin. So a database without a mark is one whose deletion was interrupted.
 */
import type { Documents } from '@plinth/kernel/extension';
import type { SqlPort } from './statics.js';

/** Owns the marks of one tenant. */
export class Marks {
  readonly #marks: Documents<boolean>;
  /** Whether databases from before there were marks have one. */
  readonly #complete: Documents<boolean>;
  readonly #known = new Set<string>();

  constructor({ documents }: Pick<SqlPort, 'documents'>) {
    const parse = (value: unknown) => value === true;
    this.#marks = documents.open({ name: 'database', per: 'plugin', version: 1, parse });
    this.#complete = documents.open({ name: 'marked', per: 'tenant', version: 1, parse });
  }

  /** Marks a plugin, before anything is written to its database. */
  async add(plugin: string): Promise<void> {
    if (this.#known.has(plugin)) return;
    await this.#marks.set(true, plugin);
    this.#known.add(plugin);
  }

  /** The kernel has deleted a mark. */
  deleted(plugin: string): void {
    this.#known.delete(plugin);
  }

  /** Those that have no mark. When nothing was marked before, all get one. */
  async without(plugins: readonly string[]): Promise<readonly string[]> {
    if ((await this.#complete.get()) !== true) {
      for (const plugin of plugins) await this.add(plugin);
      await this.#complete.set(true);
    }
    const marked = new Set(await this.#marks.ids());
    return plugins.filter((plugin) => !marked.has(plugin));
  }
}
