/** Answers of a command, kept for a while: one fetch for all who ask at once, and the old answer while a new one is fetched. */
import { isStreamSource } from '@plinth/sdk/contract';
import { copyValue, encode } from '@plinth/sdk/rpc';
import type { CachePolicy } from './policy.js';

interface Answer {
  readonly value: unknown;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly bytes: number;
}

/** Most bytes of one command's answers: a plugin's answers must not be what fills the application. */
const MAX_BYTES = 16_777_216;

/** Owns the answers of one command. Those that were asked for longest ago go first. */
export class AnswerCache {
  readonly #policy: Required<CachePolicy>;
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;
  readonly #fetching = new Map<string, Promise<unknown>>();

  constructor(policy: Required<CachePolicy>) {
    this.#policy = policy;
  }

  /** The answer that is kept under a key, or a new one. Everybody gets a copy of his own. */
  async get(key: string, fetch: () => Promise<unknown>): Promise<unknown> {
    const { ttl, stale } = this.#policy;
    const known = this.#answers.get(key);
    const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at;
    if (known !== undefined && age < ttl + stale) {
      // To the end of the line: it was asked for.
      this.#answers.delete(key);
      this.#answers.set(key, known);
      // What goes wrong here has nobody who waits; whoever asks after `stale` hears of it.
      if (age >= ttl) this.#fetch(key, fetch).catch(() => {});
      return copyValue(known.value);
    }
    const value = await this.#shared(key, fetch);
    return isStreamSource(value) ? value : copyValue(value);
  }

  /** Somebody else's fetch, unless that one gives up: what his deadline and his cancel mean is nobody's but his. */
  async #shared(key: string, fetch: () => Promise<unknown>): Promise<unknown> {
    for (let other = this.#fetching.get(key); other !== undefined; other = this.#fetching.get(key)) {
      try {
        return await other;
      } catch (error) {
        const { code } = error as { readonly code?: unknown };
        if (code !== 'call/cancelled' && code !== 'call/timeout') throw error;
      }
    }
    return this.#fetch(key, fetch);
  }

  #fetch(key: string, fetch: () => Promise<unknown>): Promise<unknown> {
    const under = this.#fetching.get(key);
    if (under !== undefined) return under;
    const fetching = (async () => {
      try {
        const value = await fetch();
        if (!isStreamSource(value)) this.#keep(key, value);
        return value;
      } finally {
        this.#fetching.delete(key);
      }
    })();
    this.#fetching.set(key, fetching);
    return fetching;
  }

  #keep(key: string, value: unknown): void {
    this.#drop(key);
    const { bytes } = encode(value);
    if (bytes > MAX_BYTES) return;
    this.#answers.set(key, { value, at: performance.now(), bytes });
    this.#bytes += bytes;
    while (this.#answers.size > this.#policy.size || this.#bytes > MAX_BYTES) this.#drop(this.#answers.keys().next().value as string);
  }

  #drop(key: string): void {
    this.#bytes -= this.#answers.get(key)?.bytes ?? 0;
    this.#answers.delete(key);
  }
}

/** A text that is the same for equal inputs, whatever the order of their keys; undefined for one that JSON can't tell. */
export function keyOf(value: unknown): string | undefined {
  if (value === undefined) return '';
  try {
    return JSON.stringify(sorted(value));
  } catch {
    return undefined;
  }
}

/** Not by a replacer of `stringify`: that gets to see dates as texts. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return Object.is(value, -0) ? notJson() : value;
  if (Array.isArray(value)) return value.map(sorted);
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return notJson();
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

function notJson(): never {
  throw new TypeError('JSON has no such value');
}
