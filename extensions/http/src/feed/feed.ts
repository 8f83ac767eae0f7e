/** What happens in a tenant, as a bounded ring of entries that any number of readers share. */

/** Entries, and characters of them, that a ring keeps. */
const MOST_ENTRIES = 1_024;
const MOST_TEXT = 4_194_304;

/** Something that happened. */
export interface Entry {
  readonly number: number;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** JSON. */
  readonly text: string;
  /** JSON with the values that plugins have sent. Absent where there are none, or not wanted. */
  readonly full: string | undefined;
}

/** What a reader wants to know. */
export interface Wanted {
  /** The sources that it needs. */
  readonly names: ReadonlySet<string>;
  /** Whether an entry of this name is for it. */
  has(name: string): boolean;
  /** Whether values that plugins send to each other are shown. */
  readonly values: boolean;
}

/** Records an entry. `full` is called when a reader wants the values. */
export type Recorder = (name: string, text: string, full?: () => string) => void;

/** Where entries come from. */
export interface Sources {
  /** The number of the first entry that a source could record. Undefined when it records all. */
  since(name: string): number | undefined;
  /** Opens sources before the entry of this number. The result releases them. */
  want(names: ReadonlySet<string>, next: number): () => void;
}

/** Owns the ring of a tenant. Numbers of entries grow by one, so that a reader knows what it missed. */
export class Feed {
  /** Another kernel, or another start of it, has another one. */
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  readonly #ring = new Map<number, Entry>();
  readonly #listeners = new Set<(entry: Entry) => void>();
  readonly #readers = new Set<Wanted>();
  readonly #sources: Sources;
  #last = 0;
  #length = 0;

  /** @param open opens the sources. What they record goes into this ring. */
  constructor(open: (record: Recorder) => Sources) {
    this.#sources = open((name, text, full) => this.#record(name, text, full));
  }

  /** The number of the oldest entry that is kept, or of the next one. */
  get oldest(): number {
    return this.#ring.keys().next().value ?? this.#last + 1;
  }

  get last(): number {
    return this.#last;
  }

  cursorOf(number: number): string {
    return `${this.#epoch}.${number}`;
  }

  /** The number in a cursor. Undefined when it is of another start, or none. */
  numberOf(cursor: string): number | undefined {
    const [, epoch, number] = /^([0-9a-f]{8})\.(\d{1,15})$/.exec(cursor) ?? [];
    return epoch === this.#epoch && Number(number) <= this.#last ? Number(number) : undefined;
  }

  entry(number: number): Entry | undefined {
    return this.#ring.get(number);
  }

  /** The number from which on something is recorded: some is only while it is wanted. */
  recordedSince(name: string): number {
    return this.#sources.since(name) ?? 1;
  }

  /** Records for a reader what it wants, and tells it of each entry. The result ends that. */
  want(wanted: Wanted, listener: (entry: Entry) => void): () => void {
    this.#readers.add(wanted);
    this.#listeners.add(listener);
    const release = this.#sources.want(wanted.names, this.#last + 1);
    return () => {
      this.#readers.delete(wanted);
      this.#listeners.delete(listener);
      release();
    };
  }

  #record(name: string, text: string, full: (() => string) | undefined): void {
    const shown =
      full !== undefined && [...this.#readers].some(({ values }) => values) ? full() : undefined;
    this.#last += 1;
    const entry = { number: this.#last, name, time: Date.now(), text, full: shown };
    this.#ring.set(this.#last, entry);
    this.#length += text.length + (shown?.length ?? 0);
    for (const [number, { text: old, full: more }] of this.#ring) {
      if (this.#ring.size <= MOST_ENTRIES && this.#length <= MOST_TEXT) break;
      this.#ring.delete(number);
      this.#length -= old.length + (more?.length ?? 0);
    }
    for (const listener of [...this.#listeners]) listener(entry);
  }
}
