/** Handles the tasks of a tenant: which, when, and what happens after each attempt. */
import { createError } from '@plinth/sdk/contract';
import { Attempts } from './attempts.js';
import type { Parts } from './job-book.js';
import { full } from './kept.js';
import { failureOf } from './port.js';
import type { Beating } from './pulse.js';
import type { QueueSpec } from './read.js';
import { dueOf, type Slot } from './slot.js';
import type { Box, Tasks } from './tasks.js';

/** Who handles a queue. */
export interface Worker {
  readonly spec: QueueSpec;
  /** The guest that handles it. Undefined: the manifest says that the plugin does. */
  readonly token: string | undefined;
}

/** Milliseconds before a plugin that could not be started is tried again. */
const REST = 10_000;
/** Milliseconds for a guest that was woken to name its queues. */
const SOON = 1_000;

/** Owns what runs, and who handles it. */
export class Queues implements Beating {
  readonly #parts: Parts;
  readonly #tasks: Tasks;
  readonly #attempts: Attempts;
  /** By plugin and queue. A guest comes before the manifest, and a later guest before another. */
  readonly #workers = new Map<string, Map<string, readonly Worker[]>>();
  readonly #declared = new Map<string, Map<string, Worker>>();
  readonly #runs = new Map<AbortController, Promise<void>>();
  readonly #starting = new Set<Box>();
  #lookAt = 0;
  #looking = false;
  #stopping = false;

  constructor(parts: Parts, tasks: Tasks) {
    this.#parts = parts;
    this.#tasks = tasks;
    this.#attempts = new Attempts(parts, tasks);
  }

  /** A guest handles a queue. */
  work(plugin: string, spec: QueueSpec, token: string): void {
    const own = this.#workers.get(plugin) ?? new Map<string, readonly Worker[]>();
    const { queues } = this.#parts.settings.limits;
    if (!own.has(spec.queue) && own.size >= queues) throw full(plugin, plugin, 'queues', queues);
    const others = own.get(spec.queue)?.filter((one) => one.token !== token) ?? [];
    this.#workers.set(plugin, own.set(spec.queue, [{ spec, token }, ...others]));
    const box = this.#tasks.find(plugin, spec.queue);
    if (box !== undefined) box.rest = 0;
    this.#parts.pulse.wake();
  }

  /** A guest handles a queue no longer. */
  stopWork(plugin: string, queue: string, token: string): void {
    this.#keep(plugin, queue, (worker) => worker.token !== token);
  }

  /** Forgets what guests of a plugin handled that are gone. */
  sweep(plugin: string): void {
    const { guests } = this.#parts;
    for (const queue of [...(this.#workers.get(plugin)?.keys() ?? [])])
      this.#keep(plugin, queue, ({ token = '' }) => guests.isLive(plugin, token));
  }

  /** The queues that manifests name. */
  declare(declared: ReadonlyMap<string, readonly QueueSpec[]>): void {
    this.#declared.clear();
    for (const [plugin, specs] of declared)
      this.#declared.set(
        plugin,
        new Map(specs.map((spec) => [spec.queue, { spec, token: undefined }])),
      );
    for (const box of this.#tasks.all()) box.rest = 0;
    this.#parts.pulse.wake();
  }

  /** Who handles a queue: its guest, or its plugin once it is woken. */
  workerOf({ plugin, queue }: Pick<Box, 'plugin' | 'queue'>): Worker | undefined {
    return this.#workers.get(plugin)?.get(queue)?.[0] ?? this.#declared.get(plugin)?.get(queue);
  }

  /** The queues that are handled, by a guest or by a plugin that is woken for them. */
  handled(): readonly Pick<Box, 'plugin' | 'queue'>[] {
    const all = [this.#workers, this.#declared].flatMap((workers) =>
      [...workers].flatMap(([plugin, own]) => [...own.keys()].map((queue) => ({ plugin, queue }))),
    );
    return [...new Map(all.map((one) => [`${one.plugin}\0${one.queue}`, one])).values()];
  }

  /** Makes sure that tasks are known. Where no queue is handled, nothing else looks for new ones. */
  known(): Promise<void> {
    return this.#handles ? this.#tasks.loaded() : this.#tasks.look();
  }

  /** A queue as it is now. */
  async find(plugin: string, queue: string): Promise<Box | undefined> {
    await this.known();
    return this.#tasks.find(plugin, queue);
  }

  nextDue(): number | undefined {
    if (this.#stopping) return undefined;
    let next: number | undefined;
    for (const box of this.#tasks.all()) {
      if (!this.#canWork(box)) continue;
      for (const slot of box.slots.values())
        if (!slot.busy && !slot.dead)
          next = Math.min(next ?? Infinity, Math.max(slot.due, box.rest));
    }
    if (!this.#handles || this.#looking) return next;
    return Math.min(next ?? this.#lookAt, this.#lookAt);
  }

  tick(now: number): void {
    if (this.#stopping) return;
    // The clock may have been set back meanwhile.
    this.#lookAt = Math.min(this.#lookAt, now + this.#parts.settings.poll);
    if (now >= this.#lookAt && !this.#looking && this.#handles) this.#look(now);
    for (const box of this.#tasks.all()) {
      box.rest = Math.min(box.rest, now + REST);
      if (!this.#canWork(box) || box.rest > now) continue;
      if (!this.#due(box, now)) continue;
      this.#starting.add(box);
      void this.#fill(box, now)
        .catch((error: unknown) => {
          box.rest = now + REST;
          this.#failed(box, 'can not be handled', error);
        })
        .finally(() => {
          this.#starting.delete(box);
          this.#parts.pulse.wake();
        });
    }
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopping = true;
    this.#attempts.stopping = true;
  }

  /** Ends what runs, and resolves when all has been written. */
  async end(): Promise<void> {
    this.stop();
    for (const ending of this.#runs.keys())
      ending.abort(createError('kernel/stopped', 'the kernel stops'));
    await this.idle();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#runs.values());
  }

  /** Whether a queue is handled here. Another kernel may push its first task. */
  get #handles(): boolean {
    return this.#workers.size + this.#declared.size > 0;
  }

  /** Whether a queue starts its plugin. */
  #wakes({ plugin, queue }: Box): boolean {
    return this.#declared.get(plugin)?.has(queue) === true;
  }

  #canWork(box: Box): boolean {
    const worker = this.workerOf(box);
    if (worker === undefined || box.paused || this.#starting.has(box)) return false;
    const { guests } = this.#parts;
    if (!guests.hasRoom(box.plugin) || !guests.canRun(box.plugin, this.#wakes(box))) return false;
    let running = 0;
    for (const { busy } of box.slots.values()) if (busy) running += 1;
    return running < worker.spec.concurrency;
  }

  /** The task that is due for the longest time. */
  #due(box: Box, now: number): Slot | undefined {
    let first: Slot | undefined;
    for (const slot of box.slots.values())
      if (!slot.busy && !slot.dead && dueOf(slot, now) <= now && !(first && first.due <= slot.due))
        first = slot;
    return first;
  }

  #look(now: number): void {
    this.#lookAt = now + this.#parts.settings.poll;
    this.#looking = true;
    void this.#tasks
      .look()
      .catch((error: unknown) =>
        this.#parts.port.log.warn('tasks could not be listed', { error: failureOf(error).message }),
      )
      .finally(() => {
        this.#looking = false;
        this.#parts.pulse.wake();
      });
  }

  #keep(plugin: string, queue: string, stays: (worker: Worker) => boolean): void {
    const own = this.#workers.get(plugin);
    const left = own?.get(queue)?.filter(stays) ?? [];
    if (left.length > 0) own?.set(queue, left);
    else own?.delete(queue);
    if (own?.size === 0) this.#workers.delete(plugin);
  }

  /** Begins as many tasks as a queue may handle at the same time. */
  async #fill(box: Box, now: number): Promise<void> {
    const { guests } = this.#parts;
    const ready = await guests.ready(box.plugin, this.#wakes(box));
    // A guest that has just been woken names its queues a moment later.
    const worker = this.#workers.get(box.plugin)?.get(box.queue)?.[0];
    if (!ready || worker === undefined) box.rest = now + (ready ? SOON : REST);
    this.#starting.delete(box);
    while (worker !== undefined && ready && !this.#stopping && this.#canWork(box)) {
      const slot = this.#due(box, Date.now());
      if (slot === undefined) return;
      this.#start(box, slot, worker.spec.timeout);
    }
  }

  #start(box: Box, slot: Slot, timeout: number): void {
    slot.busy = true;
    const ending = new AbortController();
    const leave = this.#parts.guests.enter(box.plugin);
    const run = this.#attempts
      .handle(box, slot, timeout, ending)
      .catch((error: unknown) => {
        // The storage failed. The claim ends by itself.
        slot.wait = this.#parts.settings.lease;
        slot.due = Date.now() + slot.wait;
        this.#failed(box, 'has a task that can not be kept', error);
      })
      .finally(() => {
        leave();
        slot.busy = false;
        this.#runs.delete(ending);
        this.#parts.pulse.wake();
      });
    this.#runs.set(ending, run);
  }

  #failed({ plugin, queue }: Box, what: string, error: unknown): void {
    this.#parts.port.log.error(`the queue '${queue}' of ${plugin} ${what}`, {
      plugin,
      error: failureOf(error).message,
    });
  }
}
