/** How many calls of a plugin's commands are under way at once, as its manifest says: the others wait, in their order. */
import { createError } from '@plinth/sdk/contract';
import type { KernelCall } from '../commands/call.js';

/** Calls that wait for one plugin. */
const MAX_QUEUE = 8_192;

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

  /** @param room how many calls may be under way at once; read for each. */
  constructor(plugin: string, room: { readonly limit: number }) {
    this.#plugin = plugin;
    this.#room = room;
  }

  /**
   * Lets a call go on when there is room. It makes room when it is settled, whether its handler has heard of that or not.
   *
   * @param above the call that it is made for. One that its own plugin waits for, by whatever way, never waits here: room
   * might only be made by its answer.
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
    if (this.#waiting.size >= MAX_QUEUE) {
      const details = { command: call.id, concurrency: this.#room.limit, waiting: MAX_QUEUE };
      call.settle(false, createError('call/overloaded', `${this.#plugin} is busy: ${MAX_QUEUE} calls wait for it already`, { plugin: this.#plugin, details }));
      return;
    }
    const waiting = { call, go };
    this.#waiting.add(waiting);
    // One that is cancelled or too late takes nobody's place.
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

/** Whether a call is made on the way to an answer of a plugin. */
function isWithin(plugin: string | undefined, above: KernelCall | undefined): boolean {
  for (let call = above; call !== undefined; call = call.parent) if (call.target.owner === plugin) return true;
  return false;
}
