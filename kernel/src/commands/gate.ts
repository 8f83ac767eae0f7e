/**
 * Limits how many calls of a plugin's commands run at once, as its manifest says. The others wait
 * in order.
 */
import { createError } from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import { MAX_WAITING } from '../calls/most-waiting.js';

interface Waiting {
  readonly call: KernelCall;
  readonly go: () => void;
}

/** Owns the queue of one version of a plugin. */
export class Gate {
  readonly #plugin: string;
  readonly #room: { readonly limit: number };
  #running = 0;
  readonly #waiting = new Set<Waiting>();

  /** @param room how many calls may run at once. It is read for each call. */
  constructor(plugin: string, room: { readonly limit: number }) {
    this.#plugin = plugin;
    this.#room = room;
  }

  /**
   * Starts a call when there is room. The call frees its place when it is settled, whether or not
   * its handler has noticed.
   *
   * @param above the call that this one is made for. A call that the plugin itself waits for,
   * directly or not, never waits here: only its answer might free a place.
   */
  enter(call: KernelCall, above: KernelCall | undefined, go: () => void): void {
    if (call.over) return;
    if (isWithin(call.target.owner, above)) {
      go();
      return;
    }
    if (this.#running < this.#room.limit) {
      this.#run({ call, go });
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) {
      const details = { command: call.id, concurrency: this.#room.limit, waiting: MAX_WAITING };
      call.settle(
        false,
        createError(
          'call/overloaded',
          `${this.#plugin} is busy: ${MAX_WAITING} calls wait for it already`,
          { plugin: this.#plugin, details },
        ),
      );
      return;
    }
    const waiting = { call, go };
    this.#waiting.add(waiting);
    // A call that is cancelled or timed out leaves the queue.
    call.onCancel(() => void this.#waiting.delete(waiting));
  }

  #run({ call, go }: Waiting): void {
    this.#running += 1;
    const leave = () => {
      this.#running -= 1;
      this.#next();
    };
    call.promise.then(leave, leave);
    go();
  }

  #next(): void {
    for (const next of this.#waiting) {
      if (this.#running >= this.#room.limit) return;
      this.#waiting.delete(next);
      this.#run(next);
    }
  }
}

/** Whether a call is part of an answer of a plugin. */
function isWithin(plugin: string | undefined, above: KernelCall | undefined): boolean {
  for (let call = above; call !== undefined; call = call.parent)
    if (call.target.owner === plugin) return true;
  return false;
}
