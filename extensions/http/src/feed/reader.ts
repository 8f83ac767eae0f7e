/** One reader of a feed. It reads at its own pace, and is told what it missed. */
import type { Entry, Feed, Wanted } from './feed.js';

/** What a reader gets. */
export type Frame =
  | { readonly event: 'hello' | 'gap'; readonly cursor: string; readonly data: string }
  | {
      readonly event: string;
      readonly cursor: string;
      readonly time: number;
      readonly data: string;
    }
  | 'beat';

/** Where a reader begins, and how far it may fall behind. */
export interface ReaderOptions {
  /** Where an earlier reader was, when there was one. */
  readonly cursor?: string | undefined;
  /** The most entries that may come without being read. Absent: as many as the feed keeps. */
  readonly most?: number;
}

/** The reason of the end of a reader that is too slow. */
export const TOO_SLOW = 'too slow';
/** Milliseconds after which a reader gets something, so that an end of the connection is noticed. */
const BEAT = 15_000;

/** Owns a position in the ring. */
export class FeedReader {
  /** Resolves to the reason of its end. */
  readonly over: Promise<string>;
  readonly #feed: Feed;
  readonly #wanted: Wanted;
  readonly #most: number;
  readonly #release: () => void;
  readonly #first: Frame[] = [];
  /** The number of the last entry that was there before this reader. */
  readonly #before: number;
  #next: number;
  /** Entries that have come for it and were not read. */
  #behind = 0;
  #wake: (() => void) | undefined;
  #reason: string | undefined;
  #settle!: (reason: string) => void;

  constructor(
    feed: Feed,
    wanted: Wanted,
    { cursor, most = Number.POSITIVE_INFINITY }: ReaderOptions,
  ) {
    this.#feed = feed;
    this.#wanted = wanted;
    this.#most = most;
    this.over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const missed = cursor !== undefined && this.#missed(cursor);
    const known = cursor === undefined ? feed.last : (feed.numberOf(cursor) ?? feed.oldest - 1);
    this.#before = feed.last;
    this.#next = Math.max(known + 1, feed.oldest);
    this.#release = feed.want(wanted, (entry) => this.#came(entry));
    const at = feed.cursorOf(this.#next - 1);
    this.#first.push({ event: 'hello', cursor: at, data: JSON.stringify({ cursor: at }) });
    if (missed)
      this.#first.push({
        event: 'gap',
        cursor: at,
        data: JSON.stringify({ from: cursor, to: at }),
      });
  }

  /** Resolves to what comes next, and to undefined when it is over. */
  async next(): Promise<Frame | undefined> {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    for (;;) {
      // The ring has lost what would come next.
      if (this.#next < this.#feed.oldest) this.end(TOO_SLOW);
      if (this.#reason !== undefined) return undefined;
      for (; this.#next <= this.#feed.last; this.#next++) {
        const entry = this.#feed.entry(this.#next);
        if (entry === undefined || !this.#wanted.has(entry.name)) continue;
        this.#next += 1;
        if (entry.number > this.#before) this.#behind -= 1;
        const data = (this.#wanted.values ? entry.full : undefined) ?? entry.text;
        const cursor = this.#feed.cursorOf(entry.number);
        return { event: entry.name, cursor, time: entry.time, data };
      }
      if (!(await this.#changed())) return 'beat';
    }
  }

  /** Ends it: a waiting `next` resolves to undefined. The first reason counts. */
  end(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#release();
    this.#settle(reason);
    this.#wake?.();
  }

  #came({ number, name }: Entry): void {
    if (!this.#wanted.has(name)) {
      // One that has read everything goes on, so that it loses nothing by what isn't for it.
      if (this.#next === number) this.#next += 1;
    } else this.#behind += 1;
    // Also one that reads nothing ends, and makes room for others.
    if (this.#behind > this.#most || this.#next < this.#feed.oldest) this.end(TOO_SLOW);
    else if (this.#behind > 0) this.#wake?.();
  }

  /** Whether a cursor is too old, or of another start, or of a time when nothing was recorded. */
  #missed(cursor: string): boolean {
    const number = this.#feed.numberOf(cursor);
    if (number === undefined || number + 1 < this.#feed.oldest) return true;
    return [...this.#wanted.names].some((name) => this.#feed.recordedSince(name) > number + 1);
  }

  /** Resolves to true when there may be something to read, and to false after a while without. */
  #changed(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(false), BEAT);
      const settle = (changed: boolean) => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(changed);
      };
      this.#wake = () => settle(true);
    });
  }
}
