/**
 * The slots of one resolution in the kernel's storage. A ring of documents: a new slot takes the
 * place of the oldest.
 */
import type { DocumentSpec, Documents } from '../../extension/documents.js';
import { type SlotData, SlotSum } from './slot.js';

/** One resolution. */
export interface Level {
  /** Milliseconds of a slot. */
  readonly every: number;
  /** How many slots are kept. */
  readonly keep: number;
}

/** What a ring needs of the port. */
export type OpenDocuments = <T>(spec: DocumentSpec<T>) => Documents<T>;

/** How many slots are read at once. */
const TOGETHER = 16;

/** Owns the slots of one resolution. The current one is in memory, and is written with its end. */
export class Ring {
  readonly level: Level;
  readonly #open: OpenDocuments;
  readonly #clock: () => number;
  #number: number;
  #sum = new SlotSum();
  /** The slot in which this kernel began: another one may have written a part of it before. */
  #first: number | undefined;
  #writing = false;

  constructor(level: Level, open: OpenDocuments, clock: () => number) {
    this.level = level;
    this.#open = open;
    this.#clock = clock;
    this.#number = this.#now;
    this.#first = this.#number;
  }

  /** Adds what happened since the last time, and writes the slot that it belongs to. */
  async add(data: Omit<SlotData, 'number'>): Promise<void> {
    const now = this.#now;
    // What happened belongs to the slot that has just ended. A late timer may have passed several.
    this.#moveTo(Math.max(this.#number, now - 1));
    const sum = this.#sum;
    const number = this.#number;
    sum.add(data);
    this.#moveTo(now);
    if (sum.series.size === 0 && sum.plugins.size === 0) return;
    if (this.#writing) throw new Error('the storage has not answered since the last time');
    this.#writing = true;
    try {
      // What was kept is read until that succeeds. It would be overwritten otherwise.
      if (number === this.#first) await this.#join(number, sum);
      await this.#document(number).set(sum.toData(number));
    } finally {
      this.#writing = false;
    }
  }

  #moveTo(number: number): void {
    if (number === this.#number) return;
    this.#number = number;
    this.#sum = new SlotSum();
  }

  /** The slots in a stretch of time that are kept. */
  async read(from: number, to: number): Promise<readonly SlotData[]> {
    const { every, keep } = this.level;
    const last = Math.min(Math.floor((to - 1) / every), this.#now);
    const first = Math.max(Math.floor(from / every), last - keep + 1);
    const found: SlotData[] = [];
    for (let at = first; at <= last; at += TOGETHER) {
      const numbers = Array.from({ length: Math.min(TOGETHER, last - at + 1) }, (_, n) => at + n);
      const slots = await Promise.all(numbers.map((number) => this.#kept(number)));
      found.push(...slots.filter((slot) => slot !== undefined));
    }
    return found;
  }

  /** Whether this ring still has what happened at a time. */
  reaches(time: number): boolean {
    const { every, keep } = this.level;
    return Math.floor(time / every) > this.#now - keep;
  }

  get #now(): number {
    return Math.floor(this.#clock() / this.level.every);
  }

  /** A restart within a slot goes on with it. */
  async #join(number: number, sum: SlotSum): Promise<void> {
    const kept = await this.#kept(number);
    if (kept !== undefined) sum.add(kept);
    this.#first = undefined;
  }

  async #kept(number: number): Promise<SlotData | undefined> {
    const slot = await this.#document(number).get();
    return slot?.number === number ? slot : undefined;
  }

  #document(number: number): Documents<SlotData> {
    const { every, keep } = this.level;
    return this.#open({
      name: `slot-${every}-${number % keep}`,
      per: 'tenant',
      version: 1,
      parse: parseSlot,
      // A slot that can't be read is a gap in a report, and no reason to refuse it.
      damaged: () => ({ number: -1, since: 0, series: [], plugins: {} }),
    });
  }
}

function parseSlot(value: unknown): SlotData {
  const { number, since, series, plugins } = (value ?? {}) as Partial<SlotData>;
  if (
    !Number.isSafeInteger(number) ||
    !Number.isFinite(since) ||
    !Array.isArray(series) ||
    typeof plugins !== 'object'
  )
    throw new Error('it is no slot of metrics');
  return value as SlotData;
}
