/**
 * A plugin's own part of the storage. Keys are tuples of tenant, plugin and key. Values carry a
 * revision and a size.
 */
import { createError, randomMark } from '@plinth/sdk/contract';
import { decodeValue, encode, NO_BOUNDS } from '@plinth/sdk/rpc';
import type { StorageAdapter } from '../host.js';
import { costsOf } from './costs.js';
import type { StorageBudget } from './storage-budget.js';

/** What is kept under a key. */
interface Entry {
  readonly revision: string;
  readonly value: unknown;
  /** Rough bytes, used where the adapter can't tell the cost. */
  readonly size: number;
}

/** Bounds on what a plugin may keep. */
export interface StorageBounds {
  /** Bytes. */
  readonly quota: number;
  readonly keys: number;
  /** Hears of all bytes that a write would keep, whether the quota allows it or not. */
  readonly onWanted?: ((bytes: number) => void) | undefined;
}

/** Longest key of a plugin, in characters. */
export const MAX_KEY = 512;

const NO_REVISION = '';
const boot = randomMark();
let lastRevision = 0;

/**
 * One plugin's namespace. Two kernels over one adapter see each other's writes, but each counts its
 * own quota.
 */
export class StorageNamespace {
  readonly #adapter: StorageAdapter;
  readonly #prefix: string;
  readonly #plugin: string;
  readonly #bounds: StorageBounds;
  readonly #budget: StorageBudget | undefined;
  /**
   * Bytes that each key takes, by the adapter's key. They are counted once, and every write updates
   * them.
   */
  #costs = new Map<string, number>();
  /** Their sum. 0 until they are counted, for the first write. */
  used = 0;
  #measured: Promise<void> | undefined;
  /** The last {@link clear}. Changes wait for it. */
  #cleared: Promise<void> = Promise.resolve();
  /** Changes in progress. */
  readonly #changes = new Set<Promise<unknown>>();

  constructor(
    adapter: StorageAdapter,
    tenant: string,
    plugin: string,
    bounds: StorageBounds,
    budget?: StorageBudget,
  ) {
    this.#adapter = adapter;
    this.#plugin = plugin;
    this.#bounds = bounds;
    this.#budget = budget;
    // NUL can't occur in a tenant or plugin id, so no two namespaces share a prefix.
    this.#prefix = `${tenant}\0${plugin}\0`;
  }

  async get(key: string): Promise<unknown> {
    return storedValue(await this.#read(key));
  }

  /** What is kept: bytes, as quotas count them, and keys. */
  async usage(): Promise<{ readonly bytes: number; readonly keys: number }> {
    await this.#measure();
    return { bytes: this.used, keys: this.#costs.size };
  }

  /** The most bytes that may be kept. Infinity means no limit. */
  get quota(): number {
    return this.#bounds.quota;
  }

  /** The value with its revision. An absent value has the empty revision. */
  async read(key: string): Promise<{ readonly revision: string; readonly value: unknown }> {
    const entry = await this.#read(key);
    return { revision: entry?.revision ?? NO_REVISION, value: storedValue(entry) };
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#change(() => this.#write(key, value, undefined));
  }

  /** Writes when the revision is unchanged. Resolves to whether it was. */
  swap(key: string, value: unknown, revision: string): Promise<boolean> {
    return this.#change(() => this.#write(key, value, revision));
  }

  delete(key: string): Promise<boolean> {
    return this.#change(() => this.#delete(key));
  }

  async #delete(key: string): Promise<boolean> {
    const full = this.#key(key);
    await this.#measure();
    const existed = await this.#run(() => this.#adapter.delete(full));
    this.#count(full, undefined);
    return existed;
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
    // Nothing is written meanwhile, because its bytes could not be counted reliably.
    const before = this.#cleared;
    const done = (async () => {
      await before;
      await Promise.allSettled(this.#changes);
      await this.#run(() => this.#adapter.clear(this.#prefix));
      for (const full of [...this.#costs.keys()]) this.#count(full, undefined);
    })();
    // Later changes continue, whether this clear succeeds or fails.
    this.#cleared = done.catch(() => {});
    await done;
  }

  /** Runs one change of a key. */
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
    // The value came over a link, which has already checked its size.
    const encoded = encode(value, undefined, NO_BOUNDS);
    const size = encoded.bytes + full.length * 2 + OVERHEAD;
    if (value === undefined)
      throw createError(
        'value/invalid',
        `cannot store undefined under '${key}': delete the key instead`,
        { plugin: this.#plugin },
      );
    await this.#measure();
    await this.#run(async () => this.#budget?.measure());
    let written = false;
    let before: number | undefined;
    try {
      await this.#run(() =>
        this.#adapter.update(full, (current) => {
          // Called again, because another process was faster: what was counted isn't kept.
          if (written) this.#count(full, before);
          written = false;
          const entry = current as Entry | undefined;
          if (expected !== undefined && (entry?.revision ?? NO_REVISION) !== expected)
            return current;
          lastRevision += 1;
          const next: Entry = { revision: `${boot}.${lastRevision}`, value: encoded.value, size };
          before = this.#costs.get(full);
          this.#admit(key, before, this.#adapter.cost?.(full, next) ?? size);
          written = true;
          return next;
        }),
      );
    } catch (error) {
      if (written) this.#count(full, before);
      throw error;
    }
    return written;
  }

  /**
   * Counts a value before it is written. Of many concurrent writes, only those that fit together
   * may pass.
   */
  #admit(key: string, before: number | undefined, cost: number): void {
    const { quota, keys } = this.#bounds;
    const wanted = this.used + cost - (before ?? 0);
    this.#bounds.onWanted?.(wanted);
    if (wanted > quota && cost > (before ?? 0)) {
      throw createError(
        'storage/quota',
        `${this.#plugin} cannot store '${key}': ${wanted} bytes would be more than its quota of ${quota}`,
        {
          plugin: this.#plugin,
          details: { key, wanted, quota },
        },
      );
    }
    if (before === undefined && this.#costs.size >= keys) {
      throw createError(
        'storage/quota',
        `${this.#plugin} cannot store '${key}': it has ${keys} keys, and no plugin may have more ('limits.keys')`,
        {
          plugin: this.#plugin,
          details: { key, keys },
        },
      );
    }
    this.#count(this.#prefix + key, cost);
  }

  /**
   * Records the cost of a key; undefined for a deleted key.
   *
   * @throws PluginOverloadedError `storage/quota` when all plugins together would exceed their
   * limit. Nothing is counted then.
   */
  #count(full: string, cost: number | undefined): void {
    const grown = (cost ?? 0) - (this.#costs.get(full) ?? 0);
    this.#budget?.add(grown, this.#plugin);
    this.used += grown;
    if (cost === undefined) this.#costs.delete(full);
    else this.#costs.set(full, cost);
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
    this.#costs = new Map(await this.#run(() => costsOf(this.#adapter, this.#prefix)));
    this.used = [...this.#costs.values()].reduce((sum, cost) => sum + cost, 0);
  }

  #key(key: string): string {
    if (typeof key !== 'string' || key === '' || key.length > MAX_KEY) {
      throw createError(
        'storage/invalid-key',
        `a storage key is a text of 1 to ${MAX_KEY} characters`,
        { plugin: this.#plugin },
      );
    }
    return this.#prefix + key;
  }

  /** Adds a code and the plugin's name to failures of the adapter. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (
        typeof (cause as { code?: unknown } | null)?.code === 'string' &&
        String((cause as { code: string }).code).startsWith('storage/')
      )
        throw cause;
      throw createError(
        'storage/failed',
        `the storage of ${this.#plugin} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        { plugin: this.#plugin, cause },
      );
    }
  }
}

/** Bytes that it takes to keep a value, beside the value and its key. */
const OVERHEAD = 128;

/** Errors are kept as records, in the form in which they travel. */
function storedValue(entry: Entry | undefined): unknown {
  return entry === undefined ? undefined : decodeValue(entry.value, undefined, NO_BOUNDS);
}
