/** Tickets: each opens a stream of events once, soon after it was made. */
import type { Operator } from './roles.js';

/** Milliseconds that a ticket is good for. */
const GOOD_FOR = 30_000;
/** Tickets that wait to be used. The oldest makes room. */
const MOST = 1_000;

/** What a ticket stands for. */
export interface Ticketed {
  readonly operator: Operator;
  readonly tenant: string;
  readonly values: boolean;
}

/** Owns the tickets of an admin API. */
export class Tickets {
  readonly #kept = new Map<string, Ticketed & { readonly until: number }>();

  make(what: Ticketed): { readonly ticket: string; readonly expiresIn: number } {
    for (const [ticket, { until }] of this.#kept) {
      if (until > performance.now() && this.#kept.size < MOST) break;
      this.#kept.delete(ticket);
    }
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    const ticket = btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_');
    this.#kept.set(ticket, { ...what, until: performance.now() + GOOD_FOR });
    return { ticket, expiresIn: GOOD_FOR };
  }

  /** What a ticket stands for, which ends it. Undefined when it is unknown, used or too old. */
  take(ticket: string): Ticketed | undefined {
    const found = this.#kept.get(ticket);
    this.#kept.delete(ticket);
    return found !== undefined && found.until > performance.now() ? found : undefined;
  }
}
