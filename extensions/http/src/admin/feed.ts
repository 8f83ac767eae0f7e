/** What happens in a tenant, for operators: a bounded ring of entries that any number of readers share. */
import type { HttpPort } from '../exchange.js';
import { FeedSources } from './feed-sources.js';
import { jsonWithin } from './json-within.js';
import type { AdminKernel, TenantParts } from './operation.js';

/** Entries, and characters of them, that the ring keeps. */
const MOST_ENTRIES = 1_024;
const MOST_TEXT = 4_194_304;
/** Characters of one entry. */
const MOST_OF_ENTRY = 65_536;

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
  readonly names: ReadonlySet<string>;
  /** Whether values that plugins send to each other are shown. */
  readonly values: boolean;
}

/** Owns the ring of a tenant. Numbers of entries grow by one, so that a reader knows what it missed. */
export class Feed {
  /** Another kernel, or another start of it, has another one. */
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  readonly #ring = new Map<number, Entry>();
  readonly #waiting = new Set<() => void>();
  readonly #readers = new Set<Wanted>();
  readonly #sources: FeedSources;
  #last = 0;
  #length = 0;

  constructor(kernel: AdminKernel, port: HttpPort) {
    this.#sources = new FeedSources(kernel, port, (name, data, full) =>
      this.#record(name, data, full),
    );
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

  /** Records for a reader what it wants. The result ends that. */
  want(wanted: Wanted): () => void {
    this.#readers.add(wanted);
    const release = this.#sources.want(wanted.names, this.#last + 1);
    return () => {
      this.#readers.delete(wanted);
      release();
    };
  }

  /** Resolves with the next entry, or when `task` is called. The result of `task` forgets it. */
  onEntry(task: () => void): () => void {
    this.#waiting.add(task);
    return () => this.#waiting.delete(task);
  }

  #record(name: string, data: object, full: (() => object) | undefined): void {
    const shown =
      full !== undefined && [...this.#readers].some(({ values }) => values)
        ? jsonWithin(full(), MOST_OF_ENTRY)
        : undefined;
    const text = jsonWithin(data, MOST_OF_ENTRY);
    this.#last += 1;
    this.#ring.set(this.#last, { number: this.#last, name, time: Date.now(), text, full: shown });
    this.#length += text.length + (shown?.length ?? 0);
    for (const [number, { text: old, full: more }] of this.#ring) {
      if (this.#ring.size <= MOST_ENTRIES && this.#length <= MOST_TEXT) break;
      this.#ring.delete(number);
      this.#length -= old.length + (more?.length ?? 0);
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const task of waiting) task();
  }
}

const feeds = new WeakMap<TenantParts, Feed>();

/** The feed of a tenant. The first request makes it. */
export function feedOf(tenant: TenantParts, kernel: AdminKernel): Feed {
  const known = feeds.get(tenant);
  if (known !== undefined) return known;
  const made = new Feed(kernel, tenant.parts.port);
  feeds.set(tenant, made);
  return made;
}
