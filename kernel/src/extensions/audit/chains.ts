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
import { ChainCheck, holds, truncated } from './chain-check.js';
import { headOf, marksOf, PinSum } from './pins.js';
import { beginSegment, type Chain, chainOf, unwritten, writeTail } from './tail.js';

/** What chains need of the kernel. */
export interface ChainParts {
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly retention: Retention;
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
    await this.names();
    for (const [name, { kept }] of this.#chains) {
      const check = new ChainCheck(name, marks.get(name));
      const segments = await this.stored(name);
      for (const segment of segments) {
        check.part(segment);
        for (const entry of segment?.entries ?? []) await check.add(entry);
      }
      const read = check.finish();
      if (!read.ok) return read;
      if (!holds(segments, kept))
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
    // Another kernel may have gone on with a segment that is full as well.
    while (this.#isFull(chain) && !(await this.#begin(name, chain)));
    await this.#push(chain, draft);
  }

  #isFull({ segment: { entries }, size, closed }: Chain): boolean {
    if (closed) return true;
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

  /**
   * Begins another segment, and drops the first ones when there are too many. Answers false when
   * another kernel has gone on meanwhile: the chain is where that has left it.
   */
  async #begin(name: string, chain: Chain): Promise<boolean> {
    if (!chain.closed) await this.#keep(name, chain, true);
    if (!chain.closed) return false;
    beginSegment(chain);
    chain.keys = await this.#keysOf(name);
    const { shared, own } = this.#parts.retention;
    const most = pluginIn(name) === undefined ? shared : own;
    await this.#cut(name, chain, chain.keys.length + 1 - most);
    return true;
  }

  /** Drops segments of which even the youngest entry is too old. */
  async #expire(name: string, chain: Chain): Promise<void> {
    const limit = Date.now() - this.#parts.retention.age;
    const last = chain.segment.entries.at(-1);
    if (last !== undefined && last.time < limit && !isCutAlone(chain.segment)) {
      if (await this.#begin(name, chain)) await this.#cut(name, chain, chain.keys.length);
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
    chain.dropped.push(...chain.keys.slice(0, count));
    chain.keys = chain.keys.slice(count);
  }

  /** Writes the last segment, behind what other kernels have written meanwhile. */
  async #keep(name: string, chain: Chain, close = false): Promise<void> {
    const { storage } = this.#parts;
    const keyNow = () => this.#key(name, chain.segment.after.number);
    const hasLater = async () => (await this.#keysOf(name)).some((key) => key > keyNow());
    for (let closes = close; !(await writeTail(storage, keyNow(), chain, closes, hasLater)); ) {
      await this.#follow(name, chain);
      closes = false;
    }
    const key = keyNow();
    if (!chain.keys.includes(key)) chain.keys = [...chain.keys, key];
    for (let old = chain.dropped[0]; old !== undefined; old = chain.dropped[0]) {
      await storage.delete(old);
      chain.dropped.shift();
    }
  }

  /** Goes on from where other kernels have left a chain. What isn't written yet comes behind it. */
  async #follow(name: string, chain: Chain): Promise<void> {
    const own = unwritten(chain);
    const { dropped } = chain;
    Object.assign(chain, await this.#load(await this.#keysOf(name)), { dropped });
    this.#last = Math.max(this.#last, endOf(chain.segment).number);
    if (chain.closed) beginSegment(chain);
    for (const { number: _, after: __, hash: ___, body: ____, ...draft } of own)
      await this.#push(chain, draft);
  }

  /** The keys of a chain's segments, in their order. */
  async #keysOf(name: string): Promise<readonly string[]> {
    const prefix = this.#key(name, '');
    const keys = await this.#parts.storage.keys(prefix);
    // The name of the first chain is the beginning of all others.
    return keys.filter((key) => key.length === prefix.length + DIGITS).sort();
  }

  /** A chain by its kept segments. A new one begins behind one that can't be read. */
  async #load(keys: readonly string[]): Promise<Chain> {
    let segment: Segment | undefined;
    try {
      segment = segmentOf(await this.#parts.storage.get(keys.at(-1) as string));
      if (segment === undefined) throw new TypeError('its last part is not well formed');
    } catch (error) {
      this.#parts.log.write(
        'kernel',
        'error',
        `the audit log cannot be read, it begins again: ${messageOf(error)}`,
      );
    }
    const fresh: Segment = { format: 2, after: { number: Date.now(), hash: '' }, entries: [] };
    return chainOf(segment ?? fresh, keys);
  }

  /** Continues the kept chains. */
  async #open(): Promise<void> {
    try {
      await this.names();
    } catch (error) {
      // The next write tries again.
      this.#opened = undefined;
      throw error;
    }
  }

  /** The names of the chains, with those that other kernels have begun. */
  async names(): Promise<readonly string[]> {
    const prefix = this.#key('', '');
    const names = new Map<string, string[]>();
    for (const key of [...(await this.#parts.storage.keys(prefix))].sort()) {
      const name = key.slice(prefix.length, -DIGITS);
      names.set(name, [...(names.get(name) ?? []), key]);
    }
    for (const [name, keys] of names) {
      const known = this.#chains.get(name);
      if (known !== undefined) known.keys = [...new Set([...known.keys, ...keys])].sort();
      else {
        const chain = await this.#load(keys);
        this.#chains.set(name, chain);
        this.#last = Math.max(this.#last, endOf(chain.segment).number);
      }
    }
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

/** The end before a segment, as far as its key says it. */
const placeOf = (key: string) => ({ number: Number(key.slice(-DIGITS)), hash: '' });

/** Whether nothing but the record of a cut is there. It stays, or there would always be another. */
const isCutAlone = ({ entries }: Segment) => entries.length === 1 && entries[0]?.topic === CUT;
