/**
 * The causes of the events that a guest has received. Calls of its listeners refer to them by
 * numbers that the kernel assigns. A number is valid while its listener runs. The guest reports the
 * end, and no listener runs longer than a call may.
 */
import { DEFAULT_TIMEOUT, type EventOrigin } from '@plinth/sdk/contract';

/** How many causes are remembered for a guest. The latest are kept. */
const MAX_CAUSES = 1_024;

/** Owns the causes of one guest's events. */
export class EventCauses {
  readonly #origins = new Map<number, { readonly origin: EventOrigin; readonly until: number }>();
  #last = 0;

  /** The number of a cause. It is below 0, to distinguish it from a call's. */
  number(origin: EventOrigin): number {
    this.#last -= 1;
    this.#origins.set(this.#last, { origin, until: performance.now() + DEFAULT_TIMEOUT });
    if (this.#origins.size > MAX_CAUSES)
      for (const oldest of this.#origins.keys()) {
        this.#origins.delete(oldest);
        break;
      }
    return this.#last;
  }

  get(number: number): EventOrigin | undefined {
    const known = this.#origins.get(number);
    if (known === undefined || performance.now() <= known.until) return known?.origin;
    this.#origins.delete(number);
    return undefined;
  }

  /** The listener has finished. */
  over(number: unknown): void {
    if (typeof number === 'number') this.#origins.delete(number);
  }
}
