/**
 * Caches the answers of a command. Concurrent requests share one fetch. A stale answer is served
 * while a new one is fetched.
 */
import { isStreamSource } from '@plinth/sdk/contract';
import { copyValue, NO_BOUNDS, sizeOf } from '@plinth/sdk/rpc';
import type { CachePolicy } from './policy.js';

interface Answer {
  readonly value: unknown;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly bytes: number;
}

/**
 * The most bytes of one command's answers, so that a plugin's answers can't fill the application's
 * memory.
 */
const MAX_BYTES = 16_777_216;

/** Owns the answers of one command. The least recently used answers are evicted first. */
export class AnswerCache {
  readonly #policy: Required<CachePolicy>;
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;
  readonly #fetching = new Map<string, Promise<unknown>>();

  constructor(policy: Required<CachePolicy>) {
    this.#policy = policy;
  }

  /** The cached answer of a key, or a new one. Each caller gets its own copy. */
  async get(key: string, fetch: () => Promise<unknown>): Promise<unknown> {
    const { ttl, stale } = this.#policy;
    const known = this.#answers.get(key);
    const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at;
    if (known !== undefined && age < ttl + stale) {
      // Moves the answer to the end of the order, because it was used.
      this.#answers.delete(key);
      this.#answers.set(key, known);
      // No caller waits for this fetch, so its error is dropped. A caller after `stale` gets the
      // error of its own fetch.
      if (age >= ttl) this.#fetch(key, fetch).catch(() => {});
      return copyOf(known.value);
    }
    const value = await this.#shared(key, fetch);
    return isStreamSource(value) ? value : copyOf(value);
  }

  /**
   * Joins another caller's fetch. When that caller gives up, this one fetches itself: a deadline or
   * cancel affects only its own caller.
   */
  async #shared(key: string, fetch: () => Promise<unknown>): Promise<unknown> {
    for (
      let other = this.#fetching.get(key);
      other !== undefined;
      other = this.#fetching.get(key)
    ) {
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
    // The key contains the input, so it counts, too.
    const bytes = sizeOf(value) + key.length * 2;
    if (bytes > MAX_BYTES) return;
    this.#answers.set(key, { value, at: performance.now(), bytes });
    this.#bytes += bytes;
    while (this.#answers.size > this.#policy.size || this.#bytes > MAX_BYTES)
      this.#drop(this.#answers.keys().next().value as string);
  }

  #drop(key: string): void {
    this.#bytes -= this.#answers.get(key)?.bytes ?? 0;
    this.#answers.delete(key);
  }
}

/** The size of the value was checked before it got here. */
const copyOf = (value: unknown) => copyValue(value, undefined, undefined, NO_BOUNDS);

/**
 * A text that is equal for equal inputs, whatever the order of their keys. Undefined for inputs
 * that JSON can't represent.
 */
export function keyOf(value: unknown): string | undefined {
  if (value === undefined) return '';
  try {
    return JSON.stringify(sorted(value));
  } catch {
    return undefined;
  }
}

/** Sorts keys without a replacer of `stringify`, because a replacer receives dates as texts. */
function sorted(value: unknown): unknown {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  )
    return Object.is(value, -0) ? notJson() : value;
  if (Array.isArray(value)) return value.map(sorted);
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return notJson();
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}

function notJson(): never {
  throw new TypeError('JSON has no such value');
}
