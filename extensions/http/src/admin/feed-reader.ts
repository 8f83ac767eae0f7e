/** One reader of a feed. It reads at its own pace, and is told what it missed. */
import type { Feed, Wanted } from './feed.js';

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

/** Milliseconds after which a reader gets something, so that an end of the connection is noticed. */
const BEAT = 15_000;

/** Owns a position in the ring. */
export class FeedReader {
  readonly #feed: Feed;
  readonly #wanted: Wanted;
  readonly #release: () => void;
  readonly #first: Frame[] = [];
  #next: number;
  #wake: (() => void) | undefined;
  #over: string | undefined;

  /** @param cursor where an earlier reader was, when there was one. */
  constructor(feed: Feed, wanted: Wanted, cursor: string | undefined) {
    this.#feed = feed;
    this.#wanted = wanted;
    const missed = cursor !== undefined && this.#missed(cursor);
    const known = cursor === undefined ? feed.last : (feed.numberOf(cursor) ?? feed.oldest - 1);
    this.#next = Math.max(known + 1, feed.oldest);
    this.#release = feed.want(wanted);
    const at = feed.cursorOf(this.#next - 1);
    this.#first.push({ event: 'hello', cursor: at, data: JSON.stringify({ cursor: at }) });
    if (missed)
      this.#first.push({
        event: 'gap',
        cursor: at,
        data: JSON.stringify({ from: cursor, to: at }),
      });
  }

  /**
   * Resolves to what comes next, and to undefined when it is over.
   *
   * @throws when the reader is so slow that the ring has lost what comes next.
   */
  async next(): Promise<Frame | undefined> {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    for (;;) {
      if (this.#over !== undefined) return undefined;
      if (this.#next < this.#feed.oldest) throw new TooSlow();
      for (; this.#next <= this.#feed.last; this.#next++) {
        const entry = this.#feed.entry(this.#next);
        if (entry === undefined || !this.#wanted.names.has(entry.name)) continue;
        this.#next += 1;
        const data = (this.#wanted.values ? entry.full : undefined) ?? entry.text;
        const cursor = this.#feed.cursorOf(entry.number);
        return { event: entry.name, cursor, time: entry.time, data };
      }
      if (!(await this.#changed())) return 'beat';
    }
  }

  /** Why it is over. */
  get reason(): string | undefined {
    return this.#over;
  }

  /** Ends it: a waiting `next` resolves to undefined. */
  end(reason: string): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#release();
    this.#wake?.();
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
        forget();
        this.#wake = undefined;
        resolve(changed);
      };
      const forget = this.#feed.onEntry(() => settle(true));
      this.#wake = () => settle(true);
    });
  }
}

/** The ring has lost what a reader would read next. */
export class TooSlow extends Error {}
