/** The chains of the audit, as they are kept: segments that are full, and one that grows. */
import { messageOf } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../../host.js';
import type { Log } from '../../telemetry/logger.js';
import type { AuditHead, AuditVerdict } from './audit-entry.js';
import { type Retention, SEGMENT } from './audit-options.js';
import {
  bodyOf,
  CUT,
  cutIn,
  DIGITS,
  type Draft,
  endOf,
  isSame,
  linkOf,
  pluginIn,
  type Segment,
  START,
  segmentOf,
  sizeOf,
} from './chain.js';
import { ChainCheck, truncated } from './chain-check.js';
import { headOf, marksOf, PinSum } from './pins.js';

/** What chains need of the kernel. */
export interface ChainParts {
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly retention: Retention;
}

/** A chain in memory: its last segment, and the keys of all kept segments. */
interface Chain {
  segment: Segment & { readonly entries: Segment['entries'][number][] };
  size: number;
  readonly keys: string[];
  /** Segments behind a cut. They are deleted once the entry that records it is written. */
  readonly dropped: string[];
  /** Whether the last segment has to be written. */
  changed: boolean;
  /** When the oldest full segment ended, and its key. */
  oldest?: { readonly key: string; readonly time: number };
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

  /**
   * Appends entries, and takes each that is in its chain out of the list. Drops what is no longer
   * retained.
   */
  async append(drafts: Draft[]): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
    for (let draft = drafts[0]; draft !== undefined; draft = drafts[0]) {
      await this.#enter(draft);
      drafts.shift();
    }
    for (const [name, chain] of this.#chains) {
      if (Number.isFinite(this.#parts.retention.age)) await this.#expire(name, chain);
      if (chain.changed) await this.#keep(name, chain);
    }
  }

  /**
   * Checks each chain, and whether it goes on from where it was pinned.
   *
   * @throws PluginValidationError `value/invalid` for what is no head.
   */
  async verify(pinned?: AuditHead): Promise<AuditVerdict> {
    const marks = await marksOf(pinned);
    const pins = new PinSum(marks);
    let entries = 0;
    for (const [name, chain] of this.#chains) {
      const check = new ChainCheck(name, marks.get(name));
      for (const segment of await this.stored(name)) {
        check.part(segment);
        for (const entry of segment?.entries ?? []) await check.add(entry);
      }
      const read = check.finish();
      if (!read.ok) return read;
      // What this kernel has written itself must still be there.
      if (!isSame(read.end, endOf(chain.segment)))
        return { ...truncated(name, read.end.number + 1), why: 'its end was cut off' };
      entries += read.entries;
      pins.add(name, read.pin);
    }
    for (const [name, { number }] of marks)
      if (!this.#chains.has(name)) return truncated(name, number);
    return { ok: true, entries, head: await this.head(), ...pins.sum };
  }

  async #enter({ chain: name, ...draft }: Draft): Promise<void> {
    let chain = this.#chains.get(name);
    if (chain === undefined) {
      chain = chainOf({ format: 2, after: START, entries: [] }, []);
      this.#chains.set(name, chain);
    }
    if (this.#isFull(chain)) await this.#begin(name, chain);
    await this.#push(chain, draft);
  }

  #isFull({ segment: { entries }, size }: Chain): boolean {
    const first = entries[0];
    if (first === undefined) return false;
    // An old entry goes with the youngest of its segment, which should not be much younger.
    const isLong = first.time < Date.now() - this.#parts.retention.age / 2;
    return entries.length >= SEGMENT.entries || size >= SEGMENT.size || isLong;
  }

  async #push(chain: Chain, draft: Omit<Draft, 'chain'>): Promise<void> {
    const before = endOf(chain.segment);
    const body = await bodyOf(draft);
    const entry = { number: this.#last + 1, after: before.number, ...draft, body };
    const hash = await linkOf(before, entry);
    this.#last = entry.number;
    chain.segment.entries.push({ ...entry, hash });
    chain.size += sizeOf(entry);
    chain.changed = true;
  }

  /** Begins another segment, and drops the first ones when there are too many. */
  async #begin(name: string, chain: Chain): Promise<void> {
    if (chain.changed) await this.#keep(name, chain);
    chain.segment = { format: 2, after: endOf(chain.segment), entries: [] };
    chain.size = 0;
    const { shared, own } = this.#parts.retention;
    const most = pluginIn(name) === undefined ? shared : own;
    await this.#cut(name, chain, chain.keys.length + 1 - most);
  }

  /** Drops segments of which even the youngest entry is too old. */
  async #expire(name: string, chain: Chain): Promise<void> {
    const limit = Date.now() - this.#parts.retention.age;
    const last = chain.segment.entries.at(-1);
    if (last !== undefined && last.time < limit && !isCutAlone(chain.segment)) {
      await this.#begin(name, chain);
      await this.#cut(name, chain, chain.keys.length);
      return;
    }
    const own = this.#key(name, chain.segment.after.number);
    let count = 0;
    for (const key of chain.keys) {
      if (key === own) break;
      if (chain.oldest?.key !== key) {
        const read = segmentOf(await this.#parts.storage.get(key));
        // A part that can't be read stays, as a finding of the next verification.
        chain.oldest = { key, time: read?.entries.at(-1)?.time ?? Number.POSITIVE_INFINITY };
      }
      if (chain.oldest.time >= limit) break;
      count += 1;
    }
    await this.#cut(name, chain, count);
  }

  /** Drops the first segments. An entry says where, so that the chain still proves itself. */
  async #cut(name: string, chain: Chain, count: number): Promise<void> {
    if (count <= 0) return;
    const first = chain.keys[count];
    const isOwn = first === undefined || first === this.#key(name, chain.segment.after.number);
    const { after } = isOwn
      ? chain.segment
      : (segmentOf(await this.#parts.storage.get(first)) ?? { after: placeOf(first) });
    await this.#push(chain, {
      time: Date.now(),
      topic: CUT,
      plugin: pluginIn(name),
      facts: { ...after },
      count: 1,
    });
    chain.dropped.push(...chain.keys.splice(0, count));
  }

  async #keep(name: string, chain: Chain): Promise<void> {
    const { storage } = this.#parts;
    const key = this.#key(name, chain.segment.after.number);
    await storage.set(key, { ...chain.segment, entries: [...chain.segment.entries] });
    chain.changed = false;
    if (chain.keys.at(-1) !== key) chain.keys.push(key);
    for (let old = chain.dropped[0]; old !== undefined; old = chain.dropped[0]) {
      await storage.delete(old);
      chain.dropped.shift();
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
        segment ?? { format: 2, after: { number: Date.now(), hash: '' }, entries: [] },
        all,
      );
      this.#chains.set(name, chain);
      this.#last = Math.max(this.#last, endOf(chain.segment).number);
    }
  }

  /** The names of the chains. */
  get names(): readonly string[] {
    return [...this.#chains.keys()];
  }

  /** The stored parts of a chain, from its last cut on. Undefined for one that can't be read. */
  async stored(name: string): Promise<readonly (Segment | undefined)[]> {
    const segments: (Segment | undefined)[] = [];
    for (const key of this.#chains.get(name)?.keys ?? [])
      segments.push(segmentOf(await this.#parts.storage.get(key)));
    const cut = segments.flatMap((part) => part?.entries.flatMap((one) => cutIn(one) ?? []) ?? []);
    // A kernel that ended between a cut and the deletions has left segments before the cut.
    const from = segments.findIndex((part) => part !== undefined && isSame(part.after, cut.at(-1)));
    return segments.slice(Math.max(from, 0));
  }

  /** The ends of all chains. */
  head(): Promise<AuditHead> {
    const ends = [...this.#chains].map(([name, { segment }]) => [name, endOf(segment)] as const);
    return headOf(this.#last, ends);
  }

  #key(name: string, after: number | ''): string {
    // No plugin can have this id. The padded digits sort in order.
    return `${this.#parts.tenant}\0plinth\0audit\0${name}${after === '' ? '' : String(after).padStart(DIGITS, '0')}`;
  }
}

function chainOf(segment: Segment, keys: readonly string[]): Chain {
  const entries = [...segment.entries];
  return {
    segment: { ...segment, entries },
    size: entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    keys: [...keys],
    dropped: [],
    changed: false,
  };
}

/** The end before a segment, as far as its key says it. */
const placeOf = (key: string) => ({ number: Number(key.slice(-DIGITS)), hash: '' });

/** Whether nothing but the record of a cut is there. It stays, or there would always be another. */
const isCutAlone = ({ entries }: Segment) => entries.length === 1 && entries[0]?.topic === CUT;
