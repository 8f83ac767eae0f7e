/**
 * The bytes that all plugins of a tenant may store together. They are measured once, and every
 * write updates them. Without a limit nothing is counted.
 */
import { createError } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';
import { costsOf } from './costs.js';

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

  /** Measures the kept bytes. It has to be called before anything is added. */
  measure(): Promise<void> | undefined {
    if (this.#limit === Number.POSITIVE_INFINITY) return undefined;
    this.#measured ??= this.#sum().then(
      (used) => {
        this.#used = used;
      },
      (error: unknown) => {
        this.#measured = undefined;
        throw error;
      },
    );
    return this.#measured;
  }

  /** @throws PluginOverloadedError `storage/quota`. Nothing is added then. */
  add(bytes: number, plugin: string): void {
    if (bytes > 0 && this.#used + bytes > this.#limit) {
      const wanted = this.#used + bytes;
      throw createError(
        'storage/quota',
        `${plugin} cannot store any more: ${wanted} bytes of all plugins of its tenant would be more than their quota of ${this.#limit}`,
        {
          plugin,
          details: { wanted, quota: this.#limit, of: 'tenant' },
        },
      );
    }
    this.#used += bytes;
  }

  /** The bytes that are kept. Where nothing limits them, they are measured for each answer. */
  async stored(): Promise<number> {
    const counted = this.measure();
    if (counted === undefined) return this.#sum();
    await counted;
    return this.#used;
  }

  async #sum(): Promise<number> {
    let used = 0;
    const own = `${this.#prefix}plinth\0`;
    for (const [key, cost] of await costsOf(this.#adapter, this.#prefix))
      if (!key.startsWith(own)) used += cost;
    return used;
  }
}
