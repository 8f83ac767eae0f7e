/** What the events that a guest has got were emitted for: calls of its listeners refer to it by numbers of the kernel's own. */
import type { EventOrigin } from '@plinth/sdk/contract';

/** Causes that are remembered for a guest, the latest: a listener calls at once, or soon. */
const MAX_CAUSES = 1_024;

/** Owns the causes of one guest's events. */
export class EventCauses {
  readonly #origins = new Map<number, EventOrigin>();
  #last = 0;

  /** The number of a cause: below 0, to tell it from a call's. */
  number(origin: EventOrigin): number {
    this.#last -= 1;
    this.#origins.set(this.#last, origin);
    if (this.#origins.size > MAX_CAUSES) this.#origins.delete(this.#last + MAX_CAUSES);
    return this.#last;
  }

  get(number: number): EventOrigin | undefined {
    return this.#origins.get(number);
  }
}
