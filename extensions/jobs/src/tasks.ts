/** The tasks of a tenant: what is kept of them, and what is known of them without reading. */
import { randomMark } from '@plinth/sdk/contract';
import { decodeValue, encode, NO_BOUNDS } from '@plinth/sdk/rpc';
import type { DeadTask, Pushed, QueueCounts } from './contract.js';
import { documentOf, full, type Kept, type KeptTask, placeOf, type TaskPlace } from './kept.js';
import { isHeld } from './lease.js';
import type { Settings } from './options.js';
import { failureOf, type JobsPort } from './port.js';
import type { PushSpec } from './read.js';
import { dueOf, factsOf, type Slot } from './slot.js';

/** A queue of a plugin. */
export interface Box {
  readonly plugin: string;
  readonly queue: string;
  readonly slots: Map<string, Slot>;
  paused: boolean;
  /** Not before this time. */
  rest: number;
}

/** Documents that are read at the same time. */
const PARALLEL = 16;

/** Owns the tasks. */
export class Tasks {
  readonly #port: JobsPort;
  readonly #kept: Kept;
  readonly #settings: Settings;
  readonly #boxes = new Map<string, Box>();
  #loaded: Promise<void> | undefined;
  /** How often a pause was decided here, or forgotten. */
  #decided = 0;

  constructor(parts: {
    readonly port: JobsPort;
    readonly kept: Kept;
    readonly settings: Settings;
  }) {
    this.#port = parts.port;
    this.#kept = parts.kept;
    this.#settings = parts.settings;
  }

  /** Reads what is kept. A failure is the caller's, and the next one tries again. */
  loaded(): Promise<void> {
    this.#loaded ??= this.look().catch((error: unknown) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }

  all(): readonly Box[] {
    return [...this.#boxes.values()];
  }

  of(plugin: string): readonly Box[] {
    return this.all().filter((box) => box.plugin === plugin);
  }

  /** @throws PluginOverloadedError `storage/quota` for more queues than a plugin may have. */
  box(plugin: string, queue: string): Box {
    const key = `${plugin}\0${queue}`;
    const box = this.#boxes.get(key);
    if (box !== undefined) return box;
    const { queues } = this.#settings.limits;
    const own = this.of(plugin);
    if (own.length >= queues) {
      // One that is empty costs nothing to make again.
      const empty = own.find(({ slots, paused }) => slots.size === 0 && !paused);
      if (empty === undefined) throw full(plugin, plugin, 'queues', queues);
      this.#boxes.delete(`${plugin}\0${empty.queue}`);
    }
    return this.#own(plugin, queue);
  }

  find(plugin: string, queue: string): Box | undefined {
    return this.#boxes.get(`${plugin}\0${queue}`);
  }

  /** The plugin is gone, and all that was kept of it. */
  forget(plugin: string): void {
    this.#decided += 1;
    for (const [key, box] of this.#boxes) if (box.plugin === plugin) this.#boxes.delete(key);
  }

  /**
   * Adds a task. When it resolves, the storage has it.
   *
   * @throws PluginOverloadedError `storage/quota`; what the storage throws.
   */
  async push(plugin: string, spec: PushSpec): Promise<Pushed> {
    await this.loaded();
    const { queue, task, key, retries, backOff, delay } = spec;
    const id = key === undefined ? randomMark() : `k:${key}`;
    const box = this.box(plugin, queue);
    // Its size was checked on its way here. What can't be kept, like a stream, is refused.
    const { value, bytes } = encode(task, undefined, NO_BOUNDS);
    const known = box.slots.get(id);
    if (known === undefined) this.#makeRoom(box, bytes);
    const now = Date.now();
    const due = now + delay;
    // It takes its room before it is written, so that many at once don't exceed the bounds.
    const slot: Slot = known ?? { id, bytes, due, wait: delay, kept: due, dead: false, busy: true };
    box.slots.set(id, slot);
    let added = false;
    let current: KeptTask | undefined;
    try {
      await this.change({ plugin, queue, id }, (before) => {
        added = before === undefined;
        const fresh = { task: value, retries, backOff, bytes, pushed: now, due, wait: delay };
        current = before ?? { ...fresh, attempts: 0, ...(key !== undefined && { key }) };
        return current;
      });
    } catch (error) {
      if (known === undefined) box.slots.delete(id);
      throw error;
    }
    if (known === undefined || added) this.#know(box, id, current as KeptTask, slot);
    return { id, added };
  }

  /** Changes a task in one step. */
  change(
    place: TaskPlace,
    change: (task: KeptTask | undefined) => KeptTask | undefined,
  ): Promise<void> {
    return this.#kept.tasks.update(change, documentOf(place));
  }

  counts(box: Box | undefined, now: number): QueueCounts {
    const counts = { waiting: 0, delayed: 0, running: 0, dead: 0 };
    for (const slot of box?.slots.values() ?? []) {
      const open = slot.busy ? 'running' : dueOf(slot, now) > now ? 'delayed' : 'waiting';
      counts[slot.dead ? 'dead' : open] += 1;
    }
    return counts;
  }

  /** The dead tasks of a queue, the oldest first. */
  async dead(box: Box | undefined): Promise<readonly DeadTask[]> {
    if (box === undefined) return [];
    const { plugin, queue } = box;
    const ids = [...box.slots.values()].filter(({ dead }) => dead).map(({ id }) => id);
    const found = await inTurns(ids, async (id): Promise<DeadTask[]> => {
      const kept = await this.#kept.tasks.get(documentOf({ plugin, queue, id }));
      if (kept?.dead === undefined) return [];
      const { task, pushed, attempts, dead } = kept;
      return [
        {
          id,
          task: decodeValue(task, undefined, NO_BOUNDS),
          pushed,
          died: dead.at,
          attempts,
          error: dead.error,
        },
      ];
    });
    return found.flat().sort((one, other) => one.died - other.died);
  }

  /** Lets a dead task be tried again. */
  async retry(box: Box | undefined, id: string): Promise<boolean> {
    const slot = box?.slots.get(id);
    if (box === undefined || slot === undefined) return false;
    const now = Date.now();
    let again = false;
    await this.change({ plugin: box.plugin, queue: box.queue, id }, (task) => {
      again = task?.dead !== undefined;
      if (task === undefined || !again) return task;
      const { dead: _, ...rest } = task;
      return { ...rest, attempts: 0, due: now, wait: 0 };
    });
    if (again) Object.assign(slot, { dead: false, due: now, wait: 0, kept: now });
    return again;
  }

  /** Deletes a task that isn't running. */
  async drop(box: Box | undefined, id: string): Promise<boolean> {
    const slot = box?.slots.get(id);
    if (box === undefined || slot === undefined || slot.busy) return false;
    const now = Date.now();
    let gone = false;
    await this.change({ plugin: box.plugin, queue: box.queue, id }, (task) => {
      gone = task !== undefined && !isHeld(task.claim, now);
      return gone ? undefined : task;
    });
    if (gone) box.slots.delete(id);
    return gone;
  }

  async setPaused(box: Box, paused: boolean): Promise<void> {
    const { plugin, queue } = box;
    await this.#kept.plugins.update((current = { jobs: [], paused: [] }) => {
      const others = current.paused.filter((one) => one !== queue);
      return { ...current, paused: paused ? [...others, queue] : others };
    }, plugin);
    this.#decided += 1;
    box.paused = paused;
  }

  /** Looks for what another kernel over the same storage has added, ended or paused. */
  async look(): Promise<void> {
    const places = (await this.#kept.tasks.ids()).flatMap((id) => placeOf(id) ?? []);
    const there = new Set(places.map(documentOf));
    for (const box of this.all())
      for (const [id, { busy }] of box.slots)
        if (!busy && !there.has(documentOf({ ...box, id }))) box.slots.delete(id);
    // A dead one may have been given its retries back there.
    const unsure = ({ plugin, queue, id }: TaskPlace) =>
      this.find(plugin, queue)?.slots.get(id)?.dead ?? true;
    await inTurns(places.filter(unsure), async (place) => {
      const { plugin, queue, id } = place;
      try {
        const task = await this.#kept.tasks.get(documentOf(place));
        if (task === undefined || !unsure(place)) return;
        const box = this.#own(plugin, queue);
        this.#know(box, id, task, box.slots.get(id));
      } catch (error) {
        // It stays in the storage, for a release that can read it.
        this.#port.log.error(`a task of ${plugin} can't be read`, {
          plugin,
          queue,
          error: failureOf(error).message,
        });
      }
    });
    await this.#readPauses();
  }

  /** Reads which queues are paused. */
  async #readPauses(): Promise<void> {
    const decided = this.#decided;
    const paused: (readonly [plugin: string, queue: string])[] = [];
    for (const plugin of await this.#kept.plugins.ids())
      for (const queue of (await this.#kept.plugins.get(plugin))?.paused ?? [])
        paused.push([plugin, queue]);
    // What was decided here meanwhile may be later than what was read. The next look reads it.
    if (this.#decided !== decided) return;
    for (const box of this.all()) box.paused = false;
    for (const [plugin, queue] of paused) this.#own(plugin, queue).paused = true;
  }

  /** The box of what is kept, whatever the bounds are now. */
  #own(plugin: string, queue: string): Box {
    const key = `${plugin}\0${queue}`;
    const box = this.#boxes.get(key) ?? { plugin, queue, slots: new Map(), paused: false, rest: 0 };
    this.#boxes.set(key, box);
    return box;
  }

  #know(box: Box, id: string, task: KeptTask, known?: Slot): void {
    const facts = { ...factsOf(task, Date.now()), busy: false };
    // A task that ended in the meantime has left the box.
    box.slots.set(id, Object.assign(known ?? { id, bytes: task.bytes, ...facts }, facts));
  }

  /** @throws PluginOverloadedError `storage/quota`. */
  #makeRoom({ plugin, queue }: Box, bytes: number): void {
    const { task, tasks, allTasks, bytes: most } = this.#settings.limits;
    const what = `the queue '${queue}' of ${plugin}`;
    if (bytes > task) throw full(plugin, `a task of ${bytes} bytes for ${what}`, 'task', task);
    let count = 0;
    let kept = bytes;
    for (const { slots } of this.of(plugin)) {
      count += slots.size;
      for (const slot of slots.values()) kept += slot.bytes;
    }
    if (count >= tasks) throw full(plugin, what, 'tasks', tasks);
    if (kept > most) throw full(plugin, what, 'bytes', most);
    const all = this.all().reduce((sum, { slots }) => sum + slots.size, 0);
    if (all >= allTasks) throw full(plugin, what, 'allTasks', allTasks);
  }
}

/** Works on many, a few at the same time. */
async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += PARALLEL)
    results.push(...(await Promise.all(all.slice(at, at + PARALLEL).map(work))));
  return results;
}
