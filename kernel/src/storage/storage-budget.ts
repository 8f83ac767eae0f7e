/** Bytes that all plugins of a tenant may store together. Counted once from what is kept, then by every write; not at all without a limit. */
import { createError } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';

/** Owns the count of one tenant. */
export class StorageBudget {
  readonly #adapter: StorageAdapter;
  readonly #prefix: string;
  readonly #limit: number;
  #used = 0;
  #measured: Promise<void> | undefined;

  constructor(adapter: StorageAdapter, tenant: string, limit: number) {
    this.#adapter = adapter;
    this.#prefix = `${tenant}\0`;
    this.#limit = limit;
  }

  /** Before anything is added. */
  measure(): Promise<void> | undefined {
    if (this.#limit === Number.POSITIVE_INFINITY) return undefined;
    this.#measured ??= this.#sum().catch((error) => {
      this.#measured = undefined;
      throw error;
    });
    return this.#measured;
  }

  /** @throws PluginOverloadedError `storage/quota`; nothing is added then. */
  add(bytes: number, plugin: string): void {
    if (bytes > 0 && this.#used + bytes > this.#limit) {
      const wanted = this.#used + bytes;
      throw createError('storage/quota', `${plugin} cannot store any more: ${wanted} bytes of all plugins of its tenant would be more than their quota of ${this.#limit}`, {
        plugin,
        details: { wanted, quota: this.#limit, of: 'tenant' },
      });
    }
    this.#used += bytes;
  }

  async #sum(): Promise<void> {
    let used = 0;
    const own = `${this.#prefix}plinth\0`;
    for (const key of await this.#adapter.keys(this.#prefix)) {
      const entry = key.startsWith(own) ? undefined : ((await this.#adapter.get(key)) as { readonly size?: unknown } | undefined);
      if (typeof entry?.size === 'number') used += entry.size;
    }
    this.#used = used;
  }
}
