/** Measures what running plugins use, once a slot. */
import type { Core } from '../../extension/core.js';
import { inTime } from '../../in-time.js';
import { isRunning, type RunningPlugin } from '../../plugin/record.js';
import type { EventCounts } from './event-counts.js';
import type { ResourceData } from './slot.js';
import { Turns } from './turns.js';

/**
 * Milliseconds in which a guest's host, and the storage, must tell. A guest that is too busy has no
 * sample.
 */
const PATIENCE = 1_000;

/** Owns what was measured last, because CPU time and crashes only grow. */
export class ResourceSampler {
  readonly #core: Core;
  readonly #counts: EventCounts;
  /** Milliseconds of CPU by guest. */
  readonly #cpu = new WeakMap<object, number>();
  readonly #before = new Map<string, { readonly crashes: number; readonly restarts: number }>();

  constructor(core: Core, counts: EventCounts) {
    this.#core = core;
    this.#counts = counts;
  }

  /**
   * What plugins have used since the last sample.
   *
   * @param alive whether guests can be asked. Else only counts are taken.
   */
  async sample(alive: boolean): Promise<ReadonlyMap<string, Partial<ResourceData>>> {
    const samples = new Map<string, Partial<ResourceData>>();
    if (alive) {
      const running = this.#core.registry
        .all()
        .filter((record): record is RunningPlugin => isRunning(record));
      const turns = new Turns();
      const all: Promise<unknown>[] = [];
      for (const record of running) {
        all.push(this.#measure(record).then((sample) => samples.set(record.id, sample)));
        await turns.pause();
      }
      await Promise.all(all);
    }
    const all = this.#counts.all();
    for (const [id, { crashes, restarts }] of all) {
      const before = this.#before.get(id);
      this.#before.set(id, { crashes, restarts });
      const more = {
        crashes: grown(crashes, before?.crashes),
        restarts: grown(restarts, before?.restarts),
      };
      if (more.crashes > 0 || more.restarts > 0) samples.set(id, { ...samples.get(id), ...more });
    }
    for (const id of this.#before.keys()) if (!all.has(id)) this.#before.delete(id);
    return samples;
  }

  async #measure({ id, connection }: RunningPlugin): Promise<Partial<ResourceData>> {
    const [usage, disk] = await Promise.all([
      inTime(connection.usage(), PATIENCE).catch(() => undefined),
      inTime(this.#core.storageOf(id).usage(), PATIENCE)
        .then(({ bytes }) => bytes)
        .catch(() => undefined),
    ]);
    const { memory, cpu } = usage ?? {};
    const before = this.#cpu.get(connection) ?? 0;
    if (cpu !== undefined) this.#cpu.set(connection, cpu);
    return {
      ...(memory !== undefined && { samples: 1, memory, maxMemory: memory }),
      ...(cpu !== undefined && { cpu: Math.max(0, cpu - before) }),
      ...(disk !== undefined && { disk }),
    };
  }
}

/** A count that is below the one before began again: its plugin was installed again. */
const grown = (count: number, before = 0): number => (count < before ? count : count - before);
