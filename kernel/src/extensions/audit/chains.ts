/** The chains of the audit, as they are kept: segments that are full, and one that grows. */
import type { StorageAdapter } from '../../host.js';
import type { Log } from '../../telemetry/logger.js';
import type { AuditHead, AuditVerdict, ChainEnd } from './audit-entry.js';
import { type Retention, SEGMENT } from './audit-options.js';
import {
  bodyOf,
  CUT,
  DIGITS,
  type Draft,
  endOf,
  linkOf,
  pluginIn,
  type Segment,
  START,
  sizeOf,
} from './chain.js';
import { ChainCheck, holds, truncated } from './chain-check.js';
import { headOf, marksOf, PinSum } from './pins.js';
import { Segments } from './segments.js';
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
  readonly #segments: Segments;
  #last = 0;
  #opened: Promise<void> | undefined;

  constructor(parts: ChainParts) {
    this.#parts = parts;
    this.#segments = new Segments(parts.storage, parts.tenant, parts.log);
  }

  /**
   * Appends entries, and takes each that is in its chain out of the list. Drops what is no longer
   * retained.
   */
  async append(drafts: Draft[]): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
    // Another kernel may have begun what is not known here, or gone on where a write has failed.
    const isKnown = drafts.every(({ chain }) => this.#chains.has(chain));
    if (!isKnown || [...this.#chains.values()].some(({ changed }) => changed)) await this.names();
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
      const segments = await this.#segments.stored(name);
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
    const keys = await this.#segments.keysOf(name);
    const next = this.#segments.keyOf(name, endOf(chain.segment).number);
    // Another kernel has begun it already.
    if (keys.some((key) => key >= next)) {
      await this.#follow(name, chain);
      return false;
    }
    beginSegment(chain);
    chain.keys = keys;
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
    const own = this.#segments.keyOf(name, chain.segment.after.number);
    let count = 0;
    for (const key of chain.keys) {
      if (key === own) break;
      if (chain.oldest?.key !== key) {
        const read = await this.#segments.read(key);
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
    const isOwn =
      first === undefined || first === this.#segments.keyOf(name, chain.segment.after.number);
    const { after } = isOwn
      ? chain.segment
      : ((await this.#segments.read(first)) ?? { after: placeOf(first) });
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
    const keyNow = () => this.#segments.keyOf(name, chain.segment.after.number);
    const hasLater = async () => (await this.#segments.keysOf(name)).some((key) => key > keyNow());
    for (let closes = close; !(await writeTail(storage, keyNow(), chain, closes, hasLater)); ) {
      await this.#follow(name, chain);
      closes = false;
    }
    const key = keyNow();
    if (!chain.keys.includes(key)) chain.keys = [...chain.keys, key];
    for (let old = chain.dropped[0]; old !== undefined; old = chain.dropped[0]) {
      if (old < key) await storage.delete(old);
      chain.dropped.shift();
    }
  }

  /** Goes on from where other kernels have left a chain. What isn't written yet comes behind it. */
  async #follow(name: string, chain: Chain): Promise<void> {
    const own = unwritten(chain);
    const { dropped } = chain;
    const keys = await this.#segments.keysOf(name);
    Object.assign(chain, chainOf(await this.#segments.last(keys), keys), { dropped });
    this.#know(name, chain);
    if (chain.closed) beginSegment(chain);
    const begins = placeOf(keys[0] as string).number;
    // Another kernel has cut behind it.
    for (const { number: _, after: __, hash: ___, body: ____, ...draft } of own)
      if (draft.topic !== CUT || Number(draft.facts.number) >= begins)
        await this.#push(chain, draft);
  }

  #know(name: string, chain: Chain): void {
    this.#chains.set(name, chain);
    this.#last = Math.max(this.#last, endOf(chain.segment).number);
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
    for (const [name, keys] of await this.#segments.names()) {
      const known = this.#chains.get(name);
      if (known === undefined) this.#know(name, chainOf(await this.#segments.last(keys), keys));
      else known.keys = keys;
    }
    return [...this.#chains.keys()];
  }

  /** The stored parts of a chain, from its last cut on. Undefined for one that can't be read. */
  stored(name: string): Promise<readonly (Segment | undefined)[]> {
    return this.#segments.stored(name);
  }

  /** The ends of all chains, as far as kernels have gone on from what this one has written. */
  async head(): Promise<AuditHead> {
    const ends: (readonly [name: string, end: ChainEnd])[] = [];
    for (const name of await this.names()) {
      const { segment, kept, keys } = this.#chains.get(name) as Chain;
      const last = keys.at(-1);
      const there = last === undefined ? undefined : await this.#segments.read(last);
      const parts = there === undefined ? [] : [there];
      ends.push([
        name,
        parts.length > 0 && holds(parts, kept) ? endOf(parts[0] as Segment) : endOf(segment),
      ]);
    }
    return headOf(Math.max(this.#last, ...ends.map(([, { number }]) => number)), ends);
  }
}

/** The end before a segment, as far as its key says it. */
const placeOf = (key: string) => ({ number: Number(key.slice(-DIGITS)), hash: '' });

/** Whether nothing but the record of a cut is there. It stays, or there would always be another. */
const isCutAlone = ({ entries }: Segment) => entries.length === 1 && entries[0]?.topic === CUT;
