/** What a tenant did in one stretch of time, and how stretches add up. */
import type { UpTime } from './availability.js';
import type { SeriesData } from './series.js';
import { SeriesTable } from './series-table.js';
import { Turns } from './turns.js';

/** Resources of one plugin, as they were measured. */
export interface ResourceData extends UpTime {
  /** How often it was measured. */
  readonly samples: number;
  /** Bytes, all samples together, and the most of one. Absent where the runtime doesn't tell. */
  readonly memory?: number;
  readonly maxMemory?: number;
  /** Milliseconds of CPU. Absent where the runtime doesn't tell. */
  readonly cpu?: number;
  /** Bytes that it keeps in its storage, as measured last. */
  readonly disk?: number;
  readonly crashes: number;
  readonly restarts: number;
}

/** One stretch of time. */
export interface SlotData {
  /** Which one, counted from the epoch in stretches of this length. */
  readonly number: number;
  /** When the first of it was collected, in milliseconds since the epoch. */
  readonly since: number;
  readonly series: readonly SeriesData[];
  readonly plugins: Readonly<Record<string, ResourceData>>;
}

const NOTHING: ResourceData = { samples: 0, up: 0, down: 0, crashes: 0, restarts: 0 };

/** Adds up slots. */
export class SlotSum {
  readonly series = new SeriesTable();
  readonly plugins = new Map<string, ResourceData>();

  /** When the first of it was collected. Infinity when there is nothing. */
  since = Number.POSITIVE_INFINITY;

  add({ since, series, plugins }: Omit<SlotData, 'number'>): void {
    this.since = Math.min(this.since, since);
    this.series.merge(series);
    for (const [id, data] of Object.entries(plugins)) this.addPlugin(id, data);
  }

  /** Whether something is known of a plugin. */
  knows(id: string): boolean {
    return this.plugins.has(id) || this.series.ofPlugin(id).length > 0;
  }

  addPlugin(id: string, data: Partial<ResourceData>): void {
    const before = this.plugins.get(id) ?? NOTHING;
    const sum = (name: 'samples' | 'up' | 'down' | 'crashes' | 'restarts') =>
      before[name] + (data[name] ?? 0);
    const both = (name: 'memory' | 'cpu') =>
      data[name] === undefined ? before[name] : (before[name] ?? 0) + data[name];
    const memory = both('memory');
    const cpu = both('cpu');
    const disk = data.disk ?? before.disk;
    const maxMemory =
      data.maxMemory === undefined
        ? before.maxMemory
        : Math.max(before.maxMemory ?? 0, data.maxMemory);
    this.plugins.set(id, {
      samples: sum('samples'),
      up: sum('up'),
      down: sum('down'),
      crashes: sum('crashes'),
      restarts: sum('restarts'),
      ...(memory !== undefined && { memory }),
      ...(maxMemory !== undefined && { maxMemory }),
      ...(cpu !== undefined && { cpu }),
      ...(disk !== undefined && { disk }),
    });
  }

  toData(number: number): SlotData {
    const { since, series, plugins } = this;
    return { number, since, series: series.toData(), plugins: Object.fromEntries(plugins) };
  }
}

/** Adds up many, in turns. */
export async function sumOf(slots: readonly SlotData[]): Promise<SlotSum> {
  const sum = new SlotSum();
  const turns = new Turns();
  for (const slot of slots) {
    sum.add(slot);
    await turns.pause();
  }
  return sum;
}
