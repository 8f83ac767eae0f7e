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

/** Owns what happened in the current slot and isn't written. It is written with the slot's end. */
export class Ring {
  readonly level: Level;
  readonly #open: OpenDocuments;
  readonly #clock: () => number;
  #number: number;
  #pending = new SlotSum();
  #writing = false;

  constructor(level: Level, open: OpenDocuments, clock: () => number) {
    this.level = level;
    this.#open = open;
    this.#clock = clock;
    this.#number = this.#now;
  }

  /** Adds what happened since the last time, and writes it to the slot that it belongs to. */
  async add(data: Omit<SlotData, 'number'>): Promise<void> {
    const now = this.#now;
    // What happened belongs to the slot that has just ended. A late timer may have passed several.
    this.#moveTo(Math.max(this.#number, now - 1));
    const pending = this.#pending;
    const number = this.#number;
    pending.add(data);
    this.#moveTo(now);
    if (pending.series.size === 0 && pending.plugins.size === 0) return;
    if (this.#writing) throw new Error('the storage has not answered since the last time');
    this.#writing = true;
    this.#pending = new SlotSum();
    const part = pending.toData(number);
    try {
      await this.#document(number).update((kept) => joined(kept, part));
    } catch (error) {
      // It is written with what comes next, unless its slot has ended.
      if (this.#number === number) this.#pending.add(part);
      throw error;
    } finally {
      this.#writing = false;
    }
  }

  #moveTo(number: number): void {
    if (number === this.#number) return;
    this.#number = number;
    this.#pending = new SlotSum();
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

/** A restart within a slot goes on with it, and other kernels over the storage add to it. */
function joined(kept: SlotData | undefined, part: SlotData): SlotData {
  if (kept === undefined || kept.number < part.number) return part;
  // The clock of this kernel is late: the slot has been given to a later stretch.
  if (kept.number > part.number) return kept;
  const sum = new SlotSum();
  sum.add(kept);
  sum.add(part);
  return sum.toData(part.number);
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
