/** Creates and deletes tenants, one change of a tenant at a time. */
import { checkOptionNames, createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import { drainOf } from '../../lifecycle/drain.js';
import { objectAt, oneOf } from '../../option-checks.js';
import { costsOf } from '../../storage/costs.js';
import type { TenantUsage } from '../metrics/usage-data.js';
import type { CreateTenant, DeleteTenant, ListTenants, TenantInfo, TenantLike } from './api.js';
import { type Before, type Book, isNewId, type KeptTenant } from './book.js';

/** Owns nothing: the list is the book's, and the tenants are the kernel's. */
export class Manager<T extends TenantLike> {
  readonly #kernel: { tenant(id: string): T };
  readonly #book: Book;

  constructor(kernel: { tenant(id: string): T }, book: Book) {
    this.#kernel = kernel;
    this.#book = book;
  }

  async list(what: ListTenants = {}): Promise<readonly TenantInfo[]> {
    checkOptionNames('tenants.list()', what, ['usage']);
    oneOf('usage', what.usage, [true, false]);
    const { usage = false } = what;
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

  create(id: string, what: CreateTenant = {}): Promise<T> {
    checkCreation(what);
    const { config = {}, secrets = {} } = what;
    return this.#change(id, async () => {
      this.#checkNew(id);
      const created = Date.now();
      const storage = this.#book.checkOpen();
      const isNew = (await storage.keys(`${id}\0`)).length === 0;
      const before = isNew ? [] : await settingsBefore(storage, id, what);
      const begun: KeptTenant = isNew
        ? { id, created, phase: 'creating' }
        : { id, created, phase: 'opening', before };
      await this.#book.put(id, begun);
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
        // Data of a former tenant were there before, and stay as they were.
        await this.#stop(id, { drain: 0 });
        await this.#book.restore(begun);
        await this.#forget(id, isNew);
        throw error;
      }
    });
  }

  delete(id: string, how: DeleteTenant = {}): Promise<void> {
    // An end that is refused later would go on at the next start.
    checkOptionNames('tenants.delete()', how, ['purge', 'drain']);
    oneOf('purge', how.purge, [true, false]);
    drainOf(how, { swap: 0 });
    const { purge = false, ...drain } = how;
    return this.#change(id, async () => {
      const kept = this.#book.all.find((one) => one.id === id);
      // One whose end was interrupted is ended again.
      if (kept?.phase === undefined) this.#book.check(id);
      const whole = purge || kept?.phase === 'purging';
      const phase = whole ? 'purging' : 'deleting';
      await this.#book.put(id, { id, created: kept?.created ?? 0, phase });
      await this.#stop(id, drain);
      await this.#forget(id, whole);
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

  async #stop(id: string, drain: { readonly drain?: number }): Promise<void> {
    if (this.#book.isRunning(id)) await this.#kernel.tenant(id).stop(drain);
  }

  /** Deletes what is kept for a tenant if that is wanted, and takes it from the list. */
  async #forget(id: string, purge: boolean): Promise<void> {
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

/** @throws PluginConfigurationError `kernel/invalid-option` for what no tenant can begin with. */
function checkCreation(what: CreateTenant): void {
  checkOptionNames('tenants.create()', what, ['config', 'secrets']);
  for (const part of ['config', 'secrets'] as const) {
    if (what[part] === undefined) continue;
    for (const [plugin, values] of Object.entries(objectAt(part, what[part])))
      objectAt(`${part}.${plugin}`, values);
  }
}

/** What is kept of the settings and secrets that a creation changes, by key. */
function settingsBefore(
  storage: StorageAdapter,
  id: string,
  { config = {}, secrets = {} }: CreateTenant,
): Promise<readonly Before[]> {
  const keys = [
    ...Object.keys(config).map((plugin) => `${id}\0plinth\0config\0${plugin}`),
    ...Object.keys(secrets).map((plugin) => `${id}\0plinth\0secrets\0${plugin}`),
  ];
  return Promise.all(
    keys.map(async (key) => {
      const value = await storage.get(key);
      return { key, ...(value !== undefined && { value }) };
    }),
  );
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
