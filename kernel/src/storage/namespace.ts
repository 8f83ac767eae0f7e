/** A plugin's own part of the storage: keys are tuples of tenant, plugin and key, values carry a revision and a size. */
import { createError } from '@plinth/sdk/contract';
import { decodeValue, encode } from '@plinth/sdk/rpc';
import type { StorageAdapter } from '../host.js';
import type { StorageBudget } from './storage-budget.js';

/** What is kept under a key. */
interface Entry {
  readonly revision: string;
  readonly value: unknown;
  /** Rough bytes, as quotas count them. */
  readonly size: number;
}

/** Longest key of a plugin, in characters. */
export const MAX_KEY = 512;

const NO_REVISION = '';
const boot = crypto.randomUUID();
let lastRevision = 0;

/** One plugin's namespace. Two kernels over one adapter see each other's writes; each counts its own quota. */
export class StorageNamespace {
  readonly #adapter: StorageAdapter;
  readonly #prefix: string;
  readonly #plugin: string;
  readonly #quota: number;
  readonly #budget: StorageBudget | undefined;
  /** Bytes in use; counted once, then kept by every write. */
  #used = 0;
  #measured: Promise<void> | undefined;
  /** The last {@link clear}: changes wait for it. */
  #cleared: Promise<void> = Promise.resolve();
  /** Changes that are under way. */
  readonly #changes = new Set<Promise<unknown>>();

  constructor(adapter: StorageAdapter, tenant: string, plugin: string, quota: number, budget?: StorageBudget) {
    this.#adapter = adapter;
    this.#plugin = plugin;
    this.#quota = quota;
    this.#budget = budget;
    // NUL can't occur in a tenant or plugin id, so no two namespaces share a prefix.
    this.#prefix = `${tenant}\0${plugin}\0`;
  }

  async get(key: string): Promise<unknown> {
    return storedValue(await this.#read(key));
  }

  /** The value with its revision; an absent one has the empty revision. */
  async read(key: string): Promise<{ readonly revision: string; readonly value: unknown }> {
    const entry = await this.#read(key);
    return { revision: entry?.revision ?? NO_REVISION, value: storedValue(entry) };
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#change(() => this.#write(key, value, undefined));
  }

  /** Writes when the revision is still the same; answers whether it was. */
  swap(key: string, value: unknown, revision: string): Promise<boolean> {
    return this.#change(() => this.#write(key, value, revision));
  }

  delete(key: string): Promise<boolean> {
    return this.#change(() => this.#delete(key));
  }

  async #delete(key: string): Promise<boolean> {
    let freed: number | undefined;
    const full = this.#key(key);
    await this.#measure();
    await this.#run(() =>
      this.#adapter.update(full, (current) => {
        freed = (current as Entry | undefined)?.size;
        return undefined;
      }),
    );
    if (freed !== undefined) {
      this.#used -= freed;
      this.#budget?.add(-freed, this.#plugin);
    }
    return freed !== undefined;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#read(key)) !== undefined;
  }

  async keys(prefix = ''): Promise<string[]> {
    const found = await this.#run(() => this.#adapter.keys(this.#prefix + prefix));
    return found.map((key) => key.slice(this.#prefix.length)).sort();
  }

  async clear(): Promise<void> {
    await this.#measure();
    // Nothing is written meanwhile: nobody could say whether its bytes are among those that go.
    const before = this.#cleared;
    const done = (async () => {
      await before;
      await Promise.allSettled(this.#changes);
      await this.#run(() => this.#adapter.clear(this.#prefix));
      this.#budget?.add(-this.#used, this.#plugin);
      this.#used = 0;
    })();
    // Whoever comes after it goes on, however it ended.
    this.#cleared = done.catch(() => {});
    await done;
  }

  /** One change of a key. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    await this.#cleared;
    const change = work();
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  async #write(key: string, value: unknown, expected: string | undefined): Promise<boolean> {
    const full = this.#key(key);
    const encoded = encode(value);
    const size = encoded.bytes + key.length * 2;
    if (value === undefined) throw createError('value/invalid', `cannot store undefined under '${key}': delete the key instead`, { plugin: this.#plugin });
    await this.#measure();
    await this.#run(async () => this.#budget?.measure());
    let written = false;
    let grown = 0;
    try {
      await this.#run(() =>
        this.#adapter.update(full, (current) => {
          const entry = current as Entry | undefined;
          if (expected !== undefined && (entry?.revision ?? NO_REVISION) !== expected) return current;
          grown = size - (entry?.size ?? 0);
          if (grown > 0 && this.#used + grown > this.#quota) throw this.#full(key, this.#used + grown);
          this.#budget?.add(grown, this.#plugin);
          // Counted now, not when it is written: of many writes at once only those that fit together may pass.
          this.#used += grown;
          written = true;
          lastRevision += 1;
          return { revision: `${boot}.${lastRevision}`, value: encoded.value, size } satisfies Entry;
        }),
      );
    } catch (error) {
      if (written) {
        this.#used -= grown;
        this.#budget?.add(-grown, this.#plugin);
      }
      throw error;
    }
    return written;
  }

  #full(key: string, wanted: number): Error {
    return createError('storage/quota', `${this.#plugin} cannot store '${key}': ${wanted} bytes would be more than its quota of ${this.#quota}`, {
      plugin: this.#plugin,
      details: { key, wanted, quota: this.#quota },
    });
  }

  async #read(key: string): Promise<Entry | undefined> {
    const full = this.#key(key);
    return (await this.#run(() => this.#adapter.get(full))) as Entry | undefined;
  }

  #measure(): Promise<void> {
    this.#measured ??= this.#sum().catch((error) => {
      this.#measured = undefined;
      throw error;
    });
    return this.#measured;
  }

  async #sum(): Promise<void> {
    let used = 0;
    for (const key of await this.#run(() => this.#adapter.keys(this.#prefix))) used += ((await this.#run(() => this.#adapter.get(key))) as Entry | undefined)?.size ?? 0;
    this.#used = used;
  }

  #key(key: string): string {
    if (typeof key !== 'string' || key === '' || key.length > MAX_KEY) {
      throw createError('storage/invalid-key', `a storage key is a text of 1 to ${MAX_KEY} characters`, { plugin: this.#plugin });
    }
    return this.#prefix + key;
  }

  /** Gives failures of the adapter a code and the plugin's name. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (typeof (cause as { code?: unknown } | null)?.code === 'string' && String((cause as { code: string }).code).startsWith('storage/')) throw cause;
      throw createError('storage/failed', `the storage of ${this.#plugin} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { plugin: this.#plugin, cause });
    }
  }
}

/** Errors are kept as records, as they travel. */
function storedValue(entry: Entry | undefined): unknown {
  return entry === undefined ? undefined : decodeValue(entry.value, undefined);
}
