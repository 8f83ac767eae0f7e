/** The segments of a tenant's chains, as they are in the storage. */
import { messageOf } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import type { Log } from '../../telemetry/logger.js';
import { cutIn, DIGITS, isSame, type Segment, segmentOf } from './chain.js';

/** How often a chain is read again because another kernel has dropped a part meanwhile. */
const TRIES = 5;

/** Reads segments and their keys. */
export class Segments {
  readonly #storage: StorageAdapter;
  readonly #prefix: string;
  readonly #log: Log;

  constructor(storage: StorageAdapter, tenant: string, log: Log) {
    this.#storage = storage;
    // No plugin can have this id.
    this.#prefix = `${tenant}\0plinth\0audit\0`;
    this.#log = log;
  }

  /** The key of the segment behind an entry. The padded digits sort in order. */
  keyOf(name: string, after: number): string {
    return `${this.#prefix}${name}${String(after).padStart(DIGITS, '0')}`;
  }

  /** The keys of each chain, in their order. */
  async names(): Promise<ReadonlyMap<string, readonly string[]>> {
    const names = new Map<string, string[]>();
    for (const key of [...(await this.#storage.keys(this.#prefix))].sort()) {
      const name = key.slice(this.#prefix.length, -DIGITS);
      names.set(name, [...(names.get(name) ?? []), key]);
    }
    return names;
  }

  /** The keys of one chain, in their order. */
  async keysOf(name: string): Promise<readonly string[]> {
    const prefix = this.#prefix + name;
    const keys = await this.#storage.keys(prefix);
    // The name of the first chain is the beginning of all others.
    return keys.filter((key) => key.length === prefix.length + DIGITS).sort();
  }

  async read(key: string): Promise<Segment | undefined> {
    return segmentOf(await this.#storage.get(key));
  }

  /**
   * The last segment of a chain. A new one behind it when that can't be read, and never will be.
   *
   * @throws what the storage throws when it fails for now.
   */
  async last(keys: readonly string[]): Promise<Segment> {
    let why = 'its last part is not well formed';
    try {
      const segment = await this.read(keys.at(-1) as string);
      if (segment !== undefined) return segment;
    } catch (error) {
      if ((error as { readonly code?: unknown } | null)?.code === 'storage/failed') throw error;
      why = messageOf(error);
    }
    this.#log.write('kernel', 'error', `the audit log cannot be read, it begins again: ${why}`);
    return { format: 2, after: { number: Date.now(), hash: '' }, entries: [] };
  }

  /** The parts of a chain, from its last cut on. Undefined for one that can't be read. */
  async stored(name: string): Promise<readonly (Segment | undefined)[]> {
    for (let left = TRIES; ; left--) {
      const keys = await this.keysOf(name);
      const values: unknown[] = [];
      for (const key of keys) values.push(await this.#storage.get(key));
      // Another kernel has dropped one while they were read.
      if (values.includes(undefined) && left > 1) continue;
      return fromCut(values.map(segmentOf));
    }
  }
}

function fromCut(segments: readonly (Segment | undefined)[]): readonly (Segment | undefined)[] {
  const cut = segments.flatMap((part) => part?.entries.flatMap((one) => cutIn(one) ?? []) ?? []);
  // A kernel that ended between a cut and the deletions has left segments before the cut.
  const from = segments.findIndex((part) => part !== undefined && isSame(part.after, cut.at(-1)));
  return segments.slice(Math.max(from, 0));
}
