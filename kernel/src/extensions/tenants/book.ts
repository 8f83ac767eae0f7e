/** The list of tenants, as it is kept, and which of them run. */
import { createError, DEFAULT_TENANT } from '@plinth/sdk/contract';
import { KeyedQueue } from '../../concurrency.js';
import type { Documents } from '../../extension/documents.js';
import type { StorageAdapter } from '../../host.js';

/** A tenant as it is kept. */
export interface KeptTenant {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /**
   * What is not over yet. It is undone or finished at the next start. `opening`: it is created, and
   * has data of a former tenant, which stay.
   */
  readonly phase?: 'creating' | 'opening' | 'deleting' | 'purging';
  /** While it is opened: what its creation changes, as a former tenant has left it. */
  readonly before?: readonly Before[];
}

/** A value of a storage as it was. Without a value there was none. */
export interface Before {
  readonly key: string;
  readonly value?: unknown;
}

const ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

/** Whether a value can be the id of a tenant beside the default one. */
export const isNewId = (id: unknown): boolean =>
  typeof id === 'string' && ID.test(id) && id !== DEFAULT_TENANT;

/** Reads the kept list. What it names may be purged, so its ids are checked. @throws its problem. */
export function isKept(value: unknown): readonly KeptTenant[] {
  if (!Array.isArray(value) || value.some((one) => !isNewId(one?.id)))
    throw new Error('it is no list of tenants');
  return value as readonly KeptTenant[];
}

/** Owns the list. */
export class Book {
  /** The most tenants. */
  readonly most: number;
  /** Changes of one tenant come one after the other. */
  readonly changes = new KeyedQueue();
  readonly #running = new Set<string>();
  #all = new Map<string, KeptTenant>();
  #kept: Documents<readonly KeptTenant[]> | undefined;
  #storage: StorageAdapter | undefined;

  constructor(most: number) {
    this.most = most;
  }

  /**
   * Reads the list. What was interrupted is ended beside the start: a tenant may have kept a lot.
   *
   * @param failed called when that fails. The next start tries again, and so does `delete(id)`.
   */
  async open(
    kept: Documents<readonly KeptTenant[]>,
    storage: StorageAdapter,
    failed: (id: string, error: unknown) => void,
  ): Promise<void> {
    this.#all = new Map((await kept.get())?.map((one) => [one.id, one]));
    this.#kept = kept;
    this.#storage = storage;
    for (const one of this.all) {
      if (one.phase === undefined) continue;
      const { id } = one;
      const whole = one.phase === 'creating' || one.phase === 'purging';
      this.#all.set(id, { ...one, phase: whole ? 'purging' : 'deleting' });
      this.changes
        .run(id, async () => {
          if (whole) await this.purge(id);
          else await this.restore(one);
          await this.put(id, undefined);
        })
        .catch((error: unknown) => failed(id, error));
    }
  }

  get all(): readonly KeptTenant[] {
    return [...this.#all.values()];
  }

  /** @throws PluginConfigurationError `kernel/invalid-option` before the list has been read. */
  checkOpen(): StorageAdapter {
    if (this.#storage !== undefined) return this.#storage;
    throw createError('kernel/invalid-option', 'tenants are known when the kernel has started', {
      details: { option: 'tenant' },
    });
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** @throws PluginConfigurationError `kernel/invalid-option` for a tenant that isn't there. */
  check(id: string): void {
    this.checkOpen();
    const known = this.#all.get(id);
    if (known !== undefined && known.phase !== 'deleting' && known.phase !== 'purging') return;
    throw createError(
      'kernel/invalid-option',
      `there is no tenant '${String(id).slice(0, 128)}': create it with kernel.extension(tenants).manage(kernel).create(…)`,
      { details: { option: 'tenant', tenant: String(id).slice(0, 128) } },
    );
  }

  /** A tenant is made. @throws as {@link check}. */
  begin(id: string): void {
    this.check(id);
    this.#running.add(id);
  }

  end(id: string): void {
    this.#running.delete(id);
  }

  /** Changes the list, first in the storage. */
  async put(id: string, tenant: KeptTenant | undefined): Promise<void> {
    await this.#kept?.update((current = []) => {
      const others = current.filter((one) => one.id !== id);
      return tenant === undefined ? others : [...others, tenant];
    });
    if (tenant === undefined) this.#all.delete(id);
    else this.#all.set(id, tenant);
  }

  /** Takes back what an unfinished creation has changed of a former tenant. */
  async restore({ id, before }: KeptTenant): Promise<void> {
    const storage = this.checkOpen();
    for (const { key, value } of Array.isArray(before) ? (before as readonly Before[]) : [])
      if (String(key).startsWith(`${id}\0`))
        await (value === undefined ? storage.delete(key) : storage.set(key, value));
  }

  /** Deletes everything that is kept for a tenant. */
  purge(id: string): Promise<void> {
    return this.checkOpen().clear(`${id}\0`);
  }
}
