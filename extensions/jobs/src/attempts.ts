/** One attempt at a task: it is claimed, handled, and kept or deleted. */
import { createError } from '@plinth/sdk/contract';
import { decodeValue, NO_BOUNDS } from '@plinth/sdk/rpc';
import { NotRun } from './guests.js';
import type { Parts } from './job-book.js';
import type { KeptTask } from './kept.js';
import { isHeld, keepClaim } from './lease.js';
import { type Failure, failureOf } from './port.js';
import { factsOf, type Slot } from './slot.js';
import type { Box, Tasks } from './tasks.js';

/** Milliseconds before a task is tried again whose plugin stopped in the same moment. */
const SOON = 1_000;
const INTERRUPTED: Failure = {
  code: 'guest/exited',
  message: 'the kernel or the plugin ended while the task was handled for the last time',
};

/** Owns nothing: what it changes is in the storage and in the boxes. */
export class Attempts {
  /** The kernel stops. What fails now doesn't count. */
  stopping = false;
  readonly #parts: Parts;
  readonly #tasks: Tasks;

  constructor(parts: Parts, tasks: Tasks) {
    this.#parts = parts;
    this.#tasks = tasks;
  }

  /** Makes one attempt. @throws what the storage throws. */
  async handle(box: Box, slot: Slot, timeout: number, ending: AbortController): Promise<void> {
    const { port, guests, settings, self } = this.#parts;
    const { plugin, queue } = box;
    const { id } = slot;
    const place = { plugin, queue, id };
    const task = await this.#claim(box, slot);
    if (task === undefined) return;
    const isMine = (kept: KeptTask | undefined): kept is KeptTask =>
      kept?.claim?.by === self && kept.attempts === task.attempts;
    const claimed = keepClaim(
      port,
      settings.lease,
      async () => {
        let mine = false;
        await this.#tasks.change(place, (kept) => {
          mine = isMine(kept);
          if (!isMine(kept)) return kept;
          return { ...kept, claim: { by: self, until: Date.now() + settings.lease } };
        });
        return mine;
      },
      () => ending.abort(createError('call/cancelled', 'another kernel has taken the task over')),
    );
    const { attempts: attempt, retries, pushed, task: value } = task;
    const last = attempt > retries;
    let error: unknown;
    try {
      const request = {
        queue,
        id,
        task: decodeValue(value, undefined, NO_BOUNDS),
        attempt,
        last,
        pushed,
      };
      await guests.run(plugin, request, { timeout, signal: ending.signal });
    } catch (thrown) {
      error = thrown ?? new Error('it failed');
    } finally {
      claimed.dispose();
    }
    if (error === undefined) {
      await this.#tasks.change(place, (kept) => (isMine(kept) ? undefined : kept));
      box.slots.delete(id);
      return;
    }
    await this.#retry(box, slot, error, isMine);
  }

  /** Claims a task for an attempt. Undefined: another kernel has it, or has ended it. */
  async #claim({ plugin, queue, slots }: Box, slot: Slot): Promise<KeptTask | undefined> {
    const { self, settings } = this.#parts;
    let found: KeptTask | undefined;
    let claimed: KeptTask | undefined;
    await this.#tasks.change({ plugin, queue, id: slot.id }, (kept) => {
      const now = Date.now();
      found = kept;
      claimed = undefined;
      if (kept === undefined || kept.dead !== undefined) return kept;
      if (isHeld(kept.claim, now) || (kept.due > now && kept.due !== slot.kept)) return kept;
      if (kept.attempts > kept.retries) {
        // Its last attempt was cut off, perhaps by the task itself: it isn't begun for ever.
        found = afterFailure(kept, INTERRUPTED, now);
        return found;
      }
      const claim = { by: self, until: now + settings.lease };
      claimed = { ...kept, attempts: kept.attempts + 1, claim };
      return claimed;
    });
    if (found === undefined) slots.delete(slot.id);
    else if (claimed === undefined) Object.assign(slot, factsOf(found, Date.now()));
    return claimed;
  }

  /** Puts a task back after an attempt that failed, or among the dead ones. */
  async #retry(
    box: Box,
    slot: Slot,
    error: unknown,
    isMine: (kept: KeptTask | undefined) => kept is KeptTask,
  ): Promise<void> {
    const { port } = this.#parts;
    const { plugin, queue } = box;
    const failure = failureOf(error);
    // An attempt that hasn't begun, or that the kernel itself has ended, doesn't count.
    const free = error instanceof NotRun || this.stopping;
    if (free) box.rest = Date.now() + SOON;
    let next: KeptTask | undefined;
    await this.#tasks.change({ plugin, queue, id: slot.id }, (kept) => {
      next = undefined;
      if (!isMine(kept)) return kept;
      next = free ? released(kept) : afterFailure(kept, failure, Date.now());
      return next;
    });
    if (next === undefined || free) return;
    Object.assign(slot, factsOf(next, Date.now()));
    port.events.emit('jobs:failed', { plugin, queue, id: slot.id, ...failure });
    if (!slot.dead) return;
    port.events.emit('jobs:dead', { plugin, queue, id: slot.id });
    await this.#bury(box);
  }

  /** Keeps the dead tasks of a queue within their bound. */
  async #bury(box: Box): Promise<void> {
    const { dead: most } = this.#parts.settings.limits;
    const dead = [...box.slots.values()].filter((slot) => slot.dead);
    // The order of the slots is that of their pushes, which is near enough to that of their ends.
    for (const { id } of dead.slice(0, Math.max(0, dead.length - most))) {
      await this.#tasks.drop(box, id);
      this.#parts.port.log.warn(`a dead task of ${box.plugin} was deleted for newer ones`, {
        plugin: box.plugin,
        queue: box.queue,
        id,
      });
    }
  }
}

function released({ claim: _, ...kept }: KeptTask): KeptTask {
  return { ...kept, attempts: kept.attempts - 1 };
}

function afterFailure({ claim: _, ...kept }: KeptTask, error: Failure, now: number): KeptTask {
  if (kept.attempts > kept.retries) return { ...kept, dead: { at: now, error } };
  const { first, factor, most } = kept.backOff;
  const longest = Math.min(first * factor ** (kept.attempts - 1), most);
  // Shortened by up to a half, so that what failed together isn't tried again together.
  const wait = Math.round(longest * (1 - Math.random() / 2));
  return { ...kept, due: now + wait, wait };
}
