/** The chains of the audit, as they are kept: segments that are full, and one that grows. */
import { messageOf } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import type { Log } from '../../telemetry/logger.js';
import type { AuditHead, AuditVerdict, ChainEnd } from './audit-entry.js';
import {
  type Chain,
  chainOf,
  DIGITS,
  type Draft,
  digestOf,
  endOf,
  FIRST,
  hashOf,
  isSame,
  kept,
  notMet,
  pluginIn,
  readChain,
  type Segment,
  START,
  segmentOf,
  sizeOf,
} from './chain.js';

/** Entries of one segment, and the characters after which a segment is full. */
const SEGMENT = 200;
const SEGMENT_SIZE = 131_072;

/** What chains need of the kernel. */
export interface ChainParts {
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
}

/** Owns the chains of one tenant. Its callers wait for each other. */
export class Chains {
  readonly #parts: ChainParts;
  readonly #chains = new Map<string, Chain>();
  #last = 0;
  #opened: Promise<void> | undefined;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** Appends entries, and takes each that is in its chain out of the list. */
  async append(drafts: Draft[]): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
    for (let draft = drafts[0]; draft !== undefined; draft = drafts[0]) {
      await this.#enter(draft);
      drafts.shift();
    }
    for (const [name, chain] of this.#chains) if (chain.changed) await this.#keep(name, chain);
  }

  /** Checks each chain, and whether it goes on from where a witness saw it. */
  async verify(since?: AuditHead): Promise<AuditVerdict> {
    let entries = 0;
    const ends = new Map<string, ChainEnd>();
    const outgrown = new Set<string>();
    const marks = new Map(
      since === undefined ? [] : Object.entries(since.chains ?? { [FIRST]: since }),
    );
    for (const { name, segments } of await this.stored()) {
      const mark = marks.get(name);
      const read = await readChain(segments, mark);
      if ('why' in read) return read;
      ends.set(name, read.end);
      entries += read.entries;
      if (mark === undefined || read.met) continue;
      const plugin = pluginIn(name);
      const full = segments.length >= kept(name);
      if (plugin === undefined || !full || read.start.number <= mark.number) return notMet(mark);
      outgrown.add(plugin);
    }
    for (const [name, mark] of marks) if (!ends.has(name)) return notMet(mark);
    for (const [name, { segment }] of this.#chains) {
      const [found, end] = [ends.get(name) ?? START, endOf(segment)];
      if (!isSame(found, end))
        return { ok: false, at: found.number + 1, why: 'its end was cut off' };
    }
    return { ok: true, entries, head: await this.head(), outgrown: [...outgrown] };
  }

  async #enter({ chain: name, ...draft }: Draft): Promise<void> {
    let chain = this.#chains.get(name);
    if (chain === undefined) {
      chain = chainOf({ format: 1, after: START, entries: [] }, []);
      this.#chains.set(name, chain);
    }
    if (chain.segment.entries.length >= SEGMENT || chain.size >= SEGMENT_SIZE) {
      if (chain.changed) await this.#keep(name, chain);
      chain.segment = { format: 1, after: endOf(chain.segment), entries: [] };
      chain.size = 0;
    }
    const before = endOf(chain.segment);
    const entry = { number: this.#last + 1, after: before.number, ...draft };
    const hash = await hashOf(before, entry);
    this.#last = entry.number;
    chain.segment.entries.push({ ...entry, hash });
    chain.size += sizeOf(entry);
    chain.changed = true;
  }

  async #keep(name: string, chain: Chain): Promise<void> {
    const { storage } = this.#parts;
    const key = this.#key(name, chain.segment.after.number);
    await storage.set(key, { ...chain.segment, entries: [...chain.segment.entries] });
    chain.changed = false;
    if (chain.keys.at(-1) !== key) chain.keys.push(key);
    for (
      let old = chain.keys[0];
      old !== undefined && chain.keys.length > kept(name);
      old = chain.keys[0]
    ) {
      await storage.delete(old);
      chain.keys.shift();
    }
  }

  /** Continues the kept chains. A new chain begins behind an unreadable one. */
  async #open(): Promise<void> {
    const prefix = this.#key('', '');
    const { storage, log } = this.#parts;
    let keys: readonly string[];
    try {
      keys = [...(await storage.keys(prefix))].sort();
    } catch (error) {
      // The next write tries again.
      this.#opened = undefined;
      throw error;
    }
    const names = new Map<string, string[]>();
    for (const key of keys) {
      const name = key.slice(prefix.length, -DIGITS);
      names.set(name, [...(names.get(name) ?? []), key]);
    }
    for (const [name, all] of names) {
      let segment: Segment | undefined;
      try {
        segment = segmentOf(await storage.get(all.at(-1) as string));
        if (segment === undefined) throw new TypeError('its last part is not well formed');
      } catch (error) {
        log.write(
          'kernel',
          'error',
          `the audit log cannot be read, it begins again: ${messageOf(error)}`,
        );
      }
      const chain = chainOf(
        segment ?? { format: 1, after: { number: Date.now(), hash: '' }, entries: [] },
        all,
      );
      this.#chains.set(name, chain);
      this.#last = Math.max(this.#last, endOf(chain.segment).number);
    }
  }

  /** Every chain with its stored segments; undefined for an unreadable chain. */
  async stored(): Promise<
    readonly { readonly name: string; readonly segments: readonly (Segment | undefined)[] }[]
  > {
    const { storage } = this.#parts;
    const stored: { readonly name: string; readonly segments: readonly (Segment | undefined)[] }[] =
      [];
    for (const [name, { keys }] of this.#chains) {
      const segments: (Segment | undefined)[] = [];
      for (const key of keys) segments.push(segmentOf(await storage.get(key)));
      stored.push({ name, segments });
    }
    return stored;
  }

  /** The ends of all chains. */
  async head(): Promise<AuditHead> {
    const ends = [...this.#chains].flatMap(([name, { segment }]) =>
      endOf(segment).hash === '' ? [] : [[name, endOf(segment)] as const],
    );
    ends.sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      number: this.#last,
      hash: ends.length === 0 ? '' : await digestOf(JSON.stringify(ends)),
      chains: Object.fromEntries(ends),
    };
  }

  #key(name: string, after: number | ''): string {
    // No plugin can have this id. The padded digits sort in order.
    return `${this.#parts.tenant}\0plinth\0audit\0${name}${after === '' ? '' : String(after).padStart(DIGITS, '0')}`;
  }
}
