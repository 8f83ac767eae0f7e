/** What a recording says comes from the guest, against what comes. */
import type { Entry } from './recording.js';
import type { Divergence } from './result.js';
import { isSame, plainOf, read, readError, type Written } from './values.js';

/** Something that came from the guest. */
export interface Actual extends Written {
  readonly what: string;
  readonly id?: number;
  readonly kind?: string;
  readonly name?: string;
  readonly nth?: number;
  readonly facts?: readonly unknown[];
  readonly ok?: boolean;
}

/** How many entries that have not come are looked at. */
const AHEAD = 1_024;

/** Owns which recorded entries have come, and the first divergence. */
export class Expected {
  readonly #entries: readonly Entry[];
  readonly #complete: boolean;
  readonly #met = new Set<number>();
  /** The next recorded entry from the guest that has not come, and those after it. */
  #next = 0;
  #first: Divergence | undefined;
  #tell: () => void = () => {};
  #endNow: () => void = () => {};
  /** Resolves at the first divergence. */
  readonly over = new Promise<void>((resolve) => {
    this.#endNow = resolve;
  });

  /** @param complete whether nothing was in progress when the recording ended. */
  constructor(entries: readonly Entry[], complete: boolean) {
    this.#entries = entries;
    this.#complete = complete;
  }

  get divergence(): Divergence | undefined {
    return this.#first;
  }

  /** An entry goes to the guest. What comes may answer it at once. */
  delivers(index: number): void {
    this.#next = index + 1;
  }

  /** Waits until an entry has come. Resolves to the divergence, if there is one. */
  async reached(index: number, wait: number): Promise<Divergence | undefined> {
    this.#next = index;
    if (this.#met.has(index) || this.#first !== undefined) return this.#first;
    const late = setTimeout(() => this.#diverge(index, 'missing', undefined), wait);
    try {
      while (!this.#met.has(index) && this.#first === undefined)
        await new Promise<void>((resolve) => {
          this.#tell = resolve;
        });
    } finally {
      clearTimeout(late);
    }
    return this.#first;
  }

  /**
   * Something came. Guests do several things at once, so an equal entry further on is met, too.
   *
   * @returns the id of the entry that it stands for.
   */
  came(actual: Actual): number | undefined {
    if (this.#first !== undefined) return undefined;
    const open = this.#open();
    // What comes after the end of a recording is unknown, unless the guest was at rest then.
    if (open.length === 0 && !this.#complete) return undefined;
    const like = open.filter((index) => isLike(this.#entries[index] as Entry, actual));
    const equal = like.find((index) => isEqual(this.#entries[index] as Entry, actual));
    if (equal !== undefined) {
      this.#met.add(equal);
      this.#tell();
      return this.#entries[equal]?.id;
    }
    // Beyond the next thing that goes to the guest, something else was to come first.
    const differs = like.find((index) => index < this.#endOfRun());
    if (differs !== undefined) this.#diverge(differs, 'differs', actual);
    else this.#diverge(open[0] ?? this.#entries.length - 1, 'extra', actual);
    return undefined;
  }

  /** The recording calls what the guest has not registered. */
  unregistered(index: number, what: string): void {
    this.#diverge(index, 'missing', undefined, `registration of ${what}`);
  }

  /** The guest has ended, or can't be understood. */
  ended(why: unknown): void {
    const open = this.#open()[0];
    if (open !== undefined) this.#diverge(open, 'ended', { what: 'ended', value: why });
  }

  /** Where what comes from the guest is next interrupted by something that goes to it. */
  #endOfRun(): number {
    let end = this.#next;
    while (end < this.#entries.length && this.#entries[end]?.side !== 'in') end += 1;
    return end;
  }

  #open(): readonly number[] {
    const open: number[] = [];
    for (let at = this.#next; at < this.#entries.length && open.length < AHEAD; at++)
      if (this.#entries[at]?.side === 'out' && !this.#met.has(at)) open.push(at);
    return open;
  }

  #diverge(
    index: number,
    kind: Divergence['kind'],
    actual: Actual | undefined,
    what?: string,
  ): void {
    if (this.#first !== undefined) return;
    const entry = this.#entries[index];
    const recorded = entry?.side === 'out' && kind !== 'extra' ? entry : undefined;
    this.#first = {
      step: index + 1,
      kind,
      what:
        what ?? inWords(kind === 'extra' ? (actual as Actual) : (entry as Entry), this.#entries),
      expected: recorded && shown(recorded),
      actual: actual && shown(actual),
    };
    this.#tell();
    this.#endNow();
  }
}

/** Whether both are the same kind of thing about the same name. */
function isLike(entry: Entry, actual: Actual): boolean {
  return (
    entry.what === actual.what &&
    entry.name === actual.name &&
    entry.kind === actual.kind &&
    entry.nth === actual.nth &&
    (actual.what === 'answer' || actual.what === 'more' ? entry.id === actual.id : true) &&
    (actual.what !== 'ask' || subjectOf(entry) === subjectOf(actual))
  );
}

/** What calls, events and hooks are about. */
function subjectOf({ name, facts }: Pick<Actual, 'name' | 'facts'>): unknown {
  const at = { execute: 2, emit: 1, hook: 4 }[name ?? ''];
  return at === undefined ? undefined : facts?.[at];
}

const isEqual = (entry: Entry, actual: Actual): boolean =>
  entry.ok === actual.ok &&
  isSame(entry.facts ?? [], actual.facts ?? []) &&
  isSame(plainOf(entry), plainOf(actual));

/** A value for a person, with what surrounds it where that may differ. */
function shown(one: Entry | Actual): unknown {
  if (one.ok !== undefined) return one.ok ? read(one) : readError(one);
  if (one.what === 'ask') return { facts: one.facts, value: read(one) };
  return one.what === 'ended' ? one.value : read(one);
}

/** What an entry is, in words. */
function inWords(one: Entry | Actual, entries: readonly Entry[]): string {
  const { what, kind, name, id } = one;
  if (what === 'ask')
    return `request ${name} ${String(subjectOf(one) ?? one.facts?.[1] ?? one.facts?.[0] ?? '')}`.trimEnd();
  if (what !== 'answer' && what !== 'more') return `${what} of ${kind} ${name}`;
  const call = entries.find((entry) => entry.side === 'in' && entry.id === id);
  const about = call === undefined ? 'a call' : `${call.kind ?? call.what} ${call.name}`;
  return what === 'answer' ? `answer to ${about}` : `progress of ${about}`;
}
