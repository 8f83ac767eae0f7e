/** Checks a chain entry by entry: whether it is whole, and whether it goes on from a pinned entry. */
import type { AuditEntry, AuditFault, AuditFaultKind, ChainEnd } from './audit-entry.js';
import {
  cutIn,
  fits,
  isPlaced,
  isSame,
  linkOf,
  pluginIn,
  type Segment,
  START,
  type Withheld,
} from './chain.js';

/** What is known of a chain that is whole. */
export interface SoundChain {
  readonly ok: true;
  readonly end: ChainEnd;
  readonly entries: number;
  readonly withheld: number;
  /** Withheld entries of earlier versions, whose hash nothing binds to the entry before. */
  readonly unproven: number;
  readonly pin: 'none' | 'held' | 'cut';
}

const WHY: Readonly<Record<AuditFaultKind, string>> = {
  edited: 'an entry was changed',
  missing: 'a part of the chain is missing',
  inserted: 'an entry is missing, or there is one more: one stands in the place of another',
  reordered: 'entries stand in another order: one is missing in its place and comes later',
  unreadable: 'a part of the chain cannot be read',
  truncated: 'it does not go on to where it was: its end was cut off',
  rewritten: 'it does not go on from where it was: another entry stands in that place',
};

/** Reads one chain from its first entry on. Keeps the first fault that it finds. */
export class ChainCheck {
  readonly #name: string;
  readonly #mark: ChainEnd | undefined;
  #start: ChainEnd | undefined;
  #former = false;
  #end: ChainEnd = START;
  #fault: AuditFault | undefined;
  /** Where the chain was cut, as its last such entry says. */
  #cut: ChainEnd | undefined;
  #met: boolean;
  #entries = 0;
  #withheld = 0;
  #unproven = 0;

  constructor(name: string, mark: ChainEnd | undefined) {
    this.#name = name;
    this.#mark = mark;
    this.#met = mark === undefined;
  }

  /** Whether no fault was found until now. */
  get isSound(): boolean {
    return this.#fault === undefined;
  }

  /** A part begins behind an entry. Undefined for one that can't be read. */
  part(part: { readonly format: number; readonly after: ChainEnd } | undefined): void {
    if (this.#fault !== undefined) return;
    if (part === undefined) return this.#found('unreadable', this.#end.number + 1);
    if (this.#start !== undefined && !isSame(part.after, this.#end))
      return this.#found('missing', this.#end.number + 1);
    if (this.#start === undefined) this.#former = part.format === 1;
    this.#start ??= part.after;
    this.#reach(part.after);
  }

  /** The next entry, as it was read. */
  async add(entry: unknown): Promise<void> {
    if (!isPlaced(entry)) {
      if (this.#fault === undefined) this.#found('unreadable', this.#end.number + 1);
      return;
    }
    const { number, hash } = entry;
    const after = (entry.after as number | undefined) ?? number - 1;
    if (this.#fault !== undefined) {
      // The entry that is missing in its place comes later.
      if (this.#fault.kind === 'missing' && after === this.#end.number && (await this.#fits(entry)))
        this.#fault = this.#faultOf('reordered', number);
      return;
    }
    if (number <= this.#end.number) return this.#found('inserted', number);
    if (after !== this.#end.number)
      return this.#found(
        'missing',
        this.#end.number + 1,
        'an entry is missing, or there is one more',
      );
    if (!(await this.#fits(entry))) return this.#found('edited', number);
    this.#reach({ number, hash });
    this.#entries += 1;
    if ('topic' in entry) this.#cut = cutIn(entry) ?? this.#cut;
    else {
      this.#withheld += 1;
      if (entry.body === undefined) this.#unproven += 1;
    }
  }

  /** The verdict, when the last entry was added. */
  finish(): SoundChain | AuditFault {
    const start = this.#start ?? START;
    const begins = isSame(start, START) || isSame(start, this.#cut);
    const isFormer = this.#former && this.#cut === undefined;
    if (this.#fault === undefined && !begins && !isFormer)
      this.#found(
        'missing',
        start.number,
        'its beginning is missing, and no cut by retention is recorded there',
      );
    if (this.#fault !== undefined) return this.#fault;
    const mark = this.#mark;
    const sound = {
      ok: true,
      end: this.#end,
      entries: this.#entries,
      withheld: this.#withheld,
      unproven: this.#unproven,
    } as const;
    if (mark === undefined || this.#met)
      return { ...sound, pin: mark === undefined ? 'none' : 'held' };
    if (this.#end.number < mark.number) return this.#faultOf('truncated', this.#end.number + 1);
    // Without a record only a plugin's chain is taken to be cut: others held far more entries.
    const mayBeCut = !isFormer || pluginIn(this.#name) !== undefined;
    if (mark.number < start.number && mayBeCut) return { ...sound, pin: 'cut' };
    return this.#faultOf('rewritten', mark.number);
  }

  async #fits(entry: AuditEntry | Withheld): Promise<boolean> {
    if ('topic' in entry) return fits(this.#end, entry);
    return entry.body === undefined || (await linkOf(this.#end, entry)) === entry.hash;
  }

  #reach(end: ChainEnd): void {
    this.#end = end;
    this.#met ||= isSame(end, this.#mark);
  }

  #found(kind: AuditFaultKind, at: number, why?: string): void {
    this.#fault = this.#faultOf(kind, at, why);
  }

  #faultOf(kind: AuditFaultKind, at: number, why = WHY[kind]): AuditFault {
    return { ok: false, at, kind, chain: this.#name, why };
  }
}

/**
 * Whether what this kernel has written last is still there. Another kernel may have dropped it, as
 * every entry up to there.
 */
export const holds = (segments: readonly (Segment | undefined)[], kept: ChainEnd): boolean =>
  kept.hash === '' ||
  kept.number < (segments[0]?.after.number ?? 0) ||
  segments.some(
    (part) =>
      part !== undefined &&
      (isSame(part.after, kept) || part.entries.some((entry) => isSame(entry, kept))),
  );

/** The fault of a chain that is gone as a whole, or of which the end is gone. */
export const truncated = (chain: string, at: number): AuditFault => ({
  ok: false,
  at,
  kind: 'truncated',
  chain,
  why: WHY.truncated,
});
