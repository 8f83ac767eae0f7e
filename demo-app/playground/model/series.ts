/** What plugins use over time: rates and amounts, from the kernel's own measurements. */
import type { PluginUsage } from '@plinth/host-browser';

/** Samples that are kept: ten minutes at one every two seconds. */
const MOST_SAMPLES = 300;
/** Lines of one chart. */
const MOST_LINES = 6;

type Count = (usage: PluginUsage) => number | undefined;

/** Something that is shown over time. */
export interface Measure {
  readonly title: string;
  readonly unit: string;
  readonly of: Count;
  /** Whether it only grows, so that its growth a second is shown. */
  readonly grows: boolean;
}

/** In the order of the choices. */
export const MEASURES: readonly Measure[] = [
  { title: 'Calls', unit: '/s', of: ({ calls }) => calls.answered, grows: true },
  { title: 'Failures', unit: '/s', of: ({ calls }) => calls.failed, grows: true },
  {
    title: 'Messages',
    unit: '/s',
    of: ({ messages }) => messages && messages.received + messages.sent,
    grows: true,
  },
  { title: 'Calls in progress', unit: '', of: ({ calls }) => calls.pending, grows: false },
  {
    title: 'Storage',
    unit: 'kB',
    of: ({ storage }) => storage && storage.used / 1_000,
    grows: false,
  },
  {
    title: 'Memory',
    unit: 'MB',
    of: ({ memory }) => memory && memory.used / 1_000_000,
    grows: false,
  },
];

interface Sample {
  /** Seconds. */
  readonly time: number;
  readonly usage: ReadonlyMap<string, PluginUsage>;
}

/** Lines of a chart: seconds, then a row for each name. */
export interface Lines {
  readonly names: readonly string[];
  readonly data: readonly (readonly (number | null)[])[];
}

/** Owns the samples of one panel. */
export class Series {
  #samples: readonly Sample[] = [];

  add(time: number, usage: readonly PluginUsage[]): void {
    const sample = { time, usage: new Map(usage.map((one) => [one.id, one])) };
    this.#samples = [...this.#samples, sample].slice(-MOST_SAMPLES);
  }

  /** @param plugin one of them. Without one, those with the largest values last. */
  lines({ of, grows }: Measure, plugin = ''): Lines {
    const samples = this.#samples;
    const last = samples.at(-1)?.usage ?? new Map<string, PluginUsage>();
    const names = plugin === '' ? largest(last, of) : [plugin];
    const valueAt = (name: string, index: number): number | null => {
      const now = samples[index] as Sample;
      const value = countOf(now, name, of);
      if (!grows || value === null) return value;
      const before = samples[index - 1];
      const earlier = before === undefined ? null : countOf(before, name, of);
      if (before === undefined || earlier === null) return null;
      // A count begins again when a plugin is installed again.
      return Math.max(value - earlier, 0) / Math.max(now.time - before.time, 0.001);
    };
    return {
      names,
      data: [
        samples.map(({ time }) => time),
        ...names.map((name) => samples.map((_, index) => valueAt(name, index))),
      ],
    };
  }
}

const countOf = ({ usage }: Sample, name: string, of: Count): number | null => {
  const found = usage.get(name);
  return (found && of(found)) ?? null;
};

/** Sorted by name, so that lines keep their colours while their values change places. */
function largest(usage: ReadonlyMap<string, PluginUsage>, of: Count): readonly string[] {
  return [...usage.values()]
    .sort((one, other) => (of(other) ?? -1) - (of(one) ?? -1))
    .slice(0, MOST_LINES)
    .map(({ id }) => id)
    .sort();
}
