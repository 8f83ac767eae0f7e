/** Creates and deletes tenants, one change of a tenant at a time. */
import { createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import { costsOf } from '../../storage/costs.js';
import type { TenantUsage } from '../metrics/usage-data.js';
import type { CreateTenant, DeleteTenant, ListTenants, TenantInfo, TenantLike } from './api.js';
import { type Book, isNewId } from './book.js';

/** Owns nothing: the list is the book's, and the tenants are the kernel's. */
export class Manager<T extends TenantLike> {
  readonly #kernel: { tenant(id: string): T };
  readonly #book: Book;

  constructor(kernel: { tenant(id: string): T }, book: Book) {
    this.#kernel = kernel;
    this.#book = book;
  }

  async list({ usage = false }: ListTenants = {}): Promise<readonly TenantInfo[]> {
    const storage = this.#book.checkOpen();
    const { all } = this.#book;
    const ready = all.filter(({ phase }) => phase === undefined);
    const listed: TenantInfo[] = [];
    for (const { id, created } of ready) {
      let stored = 0;
      for (const [, cost] of await costsOf(storage, `${id}\0`)) stored += cost;
      const used = usage ? await this.#usageOf(id) : undefined;
      const running = this.#book.isRunning(id);
      listed.push({ id, created, running, stored, ...(running && used && { usage: used }) });
    }
    return listed.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Asking for a tenant that doesn't run would start it. Nothing is known of one that stops. */
  async #usageOf(id: string): Promise<TenantUsage | undefined> {
    if (!this.#book.isRunning(id)) return undefined;
    try {
      return await this.#kernel.tenant(id).usage?.();
    } catch {
      return undefined;
    }
  }

  create(id: string, { config = {}, secrets = {} }: CreateTenant = {}): Promise<T> {
    return this.#change(id, async () => {
      this.#checkNew(id);
      const created = Date.now();
      const isNew = (await this.#book.checkOpen().keys(`${id}\0`)).length === 0;
      await this.#book.put(id, { id, created, phase: isNew ? 'creating' : 'opening' });
      try {
        const tenant = this.#kernel.tenant(id);
        await tenant.start();
        for (const [plugin, values] of Object.entries(secrets))
          for (const [name, value] of Object.entries(values)) {
            if (tenant.secrets === undefined) throw lacks('secrets');
            await tenant.secrets.set(plugin, name, value);
          }
        for (const [plugin, patch] of Object.entries(config)) {
          if (tenant.config.set === undefined) throw lacks('live-config');
          await tenant.config.set(plugin, patch);
        }
        await this.#book.put(id, { id, created });
        return tenant;
      } catch (error) {
        // Data of a former tenant were there before.
        await this.#end(id, { drain: 0 }, isNew);
        throw error;
      }
    });
  }

  delete(id: string, { purge = false, ...drain }: DeleteTenant = {}): Promise<void> {
    return this.#change(id, async () => {
      const kept = this.#book.all.find((one) => one.id === id);
      // One whose end was interrupted is ended again.
      if (kept?.phase === undefined) this.#book.check(id);
      const whole = purge || kept?.phase === 'purging';
      const phase = whole ? 'purging' : 'deleting';
      await this.#book.put(id, { id, created: kept?.created ?? 0, phase });
      await this.#end(id, drain, whole);
    });
  }

  async start(): Promise<void> {
    const all = this.#book.all.filter(({ phase }) => phase === undefined);
    const ends = await Promise.allSettled(
      all.map(async ({ id }) => this.#kernel.tenant(id).start()),
    );
    const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    if (failed.length > 0)
      throw new AggregateError(failed, `${failed.length} tenants could not be started`);
  }

  /** Stops a tenant, deletes what is kept for it if that is wanted, and takes it from the list. */
  async #end(id: string, drain: { readonly drain?: number }, purge: boolean): Promise<void> {
    if (this.#book.isRunning(id)) await this.#kernel.tenant(id).stop(drain);
    if (purge) await this.#book.purge(id);
    await this.#book.put(id, undefined);
  }

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  #checkNew(id: string): void {
    const { most, all } = this.#book;
    if (!isNewId(id))
      throw refusal(
        id,
        `is no id of a new tenant: letters, digits, '.', '_' and '-', at most 128, and not '${DEFAULT_TENANT}'`,
      );
    if (this.#book.has(id)) throw refusal(id, 'is a tenant already');
    if (all.length >= most) throw refusal(id, `would be one tenant too many: 'most' is ${most}`);
  }

  async #change<R>(id: string, work: () => Promise<R>): Promise<R> {
    this.#book.checkOpen();
    return this.#book.changes.run(String(id), work);
  }
}

const refusal = (id: unknown, what: string): Error =>
  createError('kernel/invalid-option', `'${String(id).slice(0, 128)}' ${what}`, {
    details: { option: 'tenant', tenant: String(id).slice(0, 128) },
  });

const lacks = (extension: string): Error =>
  createError(
    'extension/missing',
    `a tenant of this kernel takes no settings of that kind: it has no extension '${extension}'`,
    { details: { extension } },
  );
