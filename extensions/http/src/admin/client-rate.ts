/** How often a client may ask the admin API. */
import { refuse } from '../problem.js';

/** Clients that are remembered. The one that has been silent longest is forgotten. */
const MOST_CLIENTS = 4_096;
const MINUTE = 60_000;

interface Bucket {
  /** Requests that it may make at once. */
  left: number;
  /** When `left` was right. */
  at: number;
}

/** Owns a bucket for each client. It fills evenly, up to the requests of a minute. */
export class ClientRate {
  readonly #perMinute: number;
  readonly #clients = new Map<string, Bucket>();

  /** @param perMinute requests; Infinity for no bound. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Counts a request. @throws Refusal 429. */
  count(client: string): void {
    if (this.#perMinute === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    const known = this.#clients.get(client) ?? { left: this.#perMinute, at: now };
    const filled = known.left + ((now - known.at) * this.#perMinute) / MINUTE;
    const left = Math.min(filled, this.#perMinute) - 1;
    // The map is in the order of the last request.
    this.#clients.delete(client);
    if (left < 0) {
      this.#clients.set(client, { left: left + 1, at: now });
      const seconds = Math.ceil((-left * MINUTE) / this.#perMinute / 1_000);
      throw refuse(429, 'http/rate', `A client has ${this.#perMinute} requests a minute.`, {
        'retry-after': String(Math.max(1, seconds)),
      });
    }
    this.#clients.set(client, { left, at: now });
    if (this.#clients.size > MOST_CLIENTS)
      this.#clients.delete(this.#clients.keys().next().value as string);
  }
}
