/** Every figure with a benchmark goal: its source and its target. */

/** Rows that can be chosen with `--only`. Each runs in its own process. */
export const ROWS = [
  'calls',
  'kernel',
  'validation',
  'extension',
  'relay',
  'events',
  'crowd',
  'spare',
  'sandbox',
  'memory',
  'settle',
  'flood',
  'size',
  'start10k',
  'resolve10k',
  'search10k',
  'swap',
  'reload-memory',
  'asleep',
] as const;
export type RowName = (typeof ROWS)[number];

/**
 * Rows that need both cores, because they show two workers at the same time. Every other row is
 * steadier on one.
 */
export const UNPINNED: ReadonlySet<RowName> = new Set(['flood', 'swap']);
/** Rows that read folders of plugins, which a page can't. */
export const ONLY_NODE: ReadonlySet<RowName> = new Set(['start10k', 'asleep']);

/** One line of the second table. */
export interface Goal {
  readonly row: RowName;
  /** Name of the outcome within its row. */
  readonly key: string;
  readonly what: string;
  readonly unit: '' | 'µs' | 'ms' | 'ms late' | 'kB' | 'MB';
  readonly is: 'at least' | 'at most';
  readonly node: number;
  readonly chromium: number;
  /** Shown for comparison; there is no goal. */
  readonly informational?: true;
  /** A guarantee, not a speed: the benchmark exits with 1 when it fails. */
  readonly required?: true;
}

const SWAP_LOAD = '2 000 calls/s of 8 guests and the host (Chromium 500)';
const PER_RAW_WORKER = 'empty workers started and answered once each';

export const GOALS: readonly Goal[] = [
  {
    row: 'calls',
    key: 'comlink',
    what: 'calls/s, 256 in flight, to plain Comlink',
    unit: '',
    is: 'at least',
    node: 8,
    chromium: 10,
  },
  {
    row: 'kernel',
    key: 'cost',
    what: "the kernel's own cost of a call: 3 middlewares, validation, deadline, metrics",
    unit: 'µs',
    is: 'at most',
    node: 0.5,
    chromium: 0.5,
  },
  {
    row: 'kernel',
    key: 'costWithCopies',
    what: 'the same, with the argument and the answer copied',
    unit: 'µs',
    is: 'at most',
    node: 0.5,
    chromium: 0.5,
    informational: true,
  },
  {
    row: 'validation',
    key: 'ratio',
    what: 'a call whose input and output are parsed (valibot), to one without schemas',
    unit: '',
    is: 'at most',
    node: 2,
    chromium: 2,
  },
  {
    row: 'extension',
    key: 'ratio',
    what: 'a call in a kernel with 8 extensions that do not watch it, to one without',
    unit: '',
    is: 'at most',
    node: 1.05,
    chromium: 1.05,
  },
  {
    row: 'relay',
    key: 'policed',
    what: 'plugin → plugin, calls/s, 256 in flight, to raw workers joined directly',
    unit: '',
    is: 'at least',
    node: 1,
    chromium: 2.5,
  },
  {
    row: 'relay',
    key: 'plain',
    what: 'the same without middleware',
    unit: '',
    is: 'at least',
    node: 1,
    chromium: 2.5,
    informational: true,
  },
  {
    row: 'events',
    key: 'burst',
    what: '100 events in a turn to 100 guests (Chromium 50), time to raw messages',
    unit: '',
    is: 'at most',
    node: 0.1,
    chromium: 0.1,
  },
  {
    row: 'events',
    key: 'lone',
    what: 'a lone event to as many, time to raw messages',
    unit: '',
    is: 'at most',
    node: 1.3,
    chromium: 1.3,
    informational: true,
  },
  {
    row: 'crowd',
    key: 'start',
    what: `100 plugins (Chromium 50) activated and answered once each, time to ${PER_RAW_WORKER}`,
    unit: '',
    is: 'at most',
    node: 1.2,
    chromium: 1.2,
  },
  {
    row: 'spare',
    key: 'activation',
    what: "activation on a warm spare, time to an empty worker's first message",
    unit: '',
    is: 'at most',
    node: 0.1,
    chromium: 0.1,
  },
  {
    row: 'sandbox',
    key: 'start',
    what: 'activation in a cold sandbox, time to that in a cold worker',
    unit: '',
    is: 'at most',
    node: 4,
    chromium: 10,
  },
  {
    row: 'sandbox',
    key: 'startTime',
    what: 'activation in a sandbox that waits already',
    unit: 'ms',
    is: 'at most',
    node: 130,
    chromium: 130,
  },
  {
    row: 'sandbox',
    key: 'work',
    what: 'work of a plugin in a sandbox, time to the same in a worker',
    unit: '',
    is: 'at most',
    node: 1.25,
    chromium: 1.25,
  },
  {
    row: 'memory',
    key: 'idle',
    what: 'private memory of an idle guest, to an empty worker',
    unit: '',
    is: 'at most',
    node: 1.05,
    chromium: 1.12,
  },
  {
    row: 'settle',
    key: 'worst',
    what: "calls in flight settled after their guest's end, worst cause",
    unit: 'ms',
    is: 'at most',
    node: 20,
    chromium: 20,
  },
  {
    row: 'flood',
    key: 'neighbour',
    what: "neighbour's median latency during a flood of 4 096, to raw workers",
    unit: '',
    is: 'at most',
    node: 0.25,
    chromium: 0.25,
  },
  {
    row: 'flood',
    key: 'flooder',
    what: "the flooder's calls/s, to a raw flooder",
    unit: '',
    is: 'at least',
    node: 2,
    chromium: 2,
  },
  {
    row: 'flood',
    key: 'timer',
    what: "the host's 50 ms timer during that flood, latest tick",
    unit: 'ms late',
    is: 'at most',
    node: 250,
    chromium: 250,
  },
  {
    row: 'size',
    key: 'guest',
    what: 'the file a guest boots from, minified, gzip',
    unit: 'kB',
    is: 'at most',
    node: 6,
    chromium: 6,
  },
  {
    row: 'size',
    key: 'link',
    what: 'the link alone with Comlink, minified, gzip',
    unit: 'kB',
    is: 'at most',
    node: 6,
    chromium: 6,
  },
  {
    row: 'start10k',
    key: 'start',
    what: 'a kernel started over 10 000 sleeping plugins, time to reading and parsing their manifests',
    unit: '',
    is: 'at most',
    node: 1.8,
    chromium: 1.8,
  },
  {
    row: 'resolve10k',
    key: 'time',
    what: '10 000 plugins with 30 000 dependencies resolved',
    unit: 'ms',
    is: 'at most',
    node: 30,
    chromium: 30,
  },
  {
    row: 'resolve10k',
    key: 'ratio',
    what: 'the same, to a bare Kahn sort',
    unit: '',
    is: 'at most',
    node: 3,
    chromium: 3,
  },
  {
    row: 'search10k',
    key: 'search',
    what: 'a search among 10 000 plugins, slowest kind',
    unit: 'ms',
    is: 'at most',
    node: 1,
    chromium: 1,
  },
  {
    row: 'search10k',
    key: 'everybody',
    what: 'a search that finds all of them',
    unit: 'ms',
    is: 'at most',
    node: 1,
    chromium: 1,
    informational: true,
  },
  {
    row: 'swap',
    key: 'failed',
    what: `50 reloads in a row under ${SWAP_LOAD}: calls that failed`,
    unit: '',
    is: 'at most',
    node: 0,
    chromium: 0,
    required: true,
  },
  {
    row: 'swap',
    key: 'lost',
    what: 'the same: numbers of the plugin lost',
    unit: '',
    is: 'at most',
    node: 0,
    chromium: 0,
    required: true,
  },
  {
    row: 'swap',
    key: 'duplicated',
    what: 'the same: numbers given out twice',
    unit: '',
    is: 'at most',
    node: 0,
    chromium: 0,
    required: true,
  },
  {
    row: 'swap',
    key: 'reordered',
    what: "the same: numbers out of their caller's order",
    unit: '',
    is: 'at most',
    node: 0,
    chromium: 0,
    required: true,
  },
  {
    row: 'swap',
    key: 'latency',
    what: "the same: p99 latency added, less the plugin's own activation",
    unit: 'ms',
    is: 'at most',
    node: 50,
    chromium: 50,
  },
  {
    row: 'swap',
    key: 'latencyOnLanes',
    what: 'the same over lanes',
    unit: 'ms',
    is: 'at most',
    node: 50,
    chromium: 50,
    informational: true,
  },
  {
    row: 'reload-memory',
    key: 'growth',
    what: 'memory that a reload of a plugin of 300 kB leaves behind, over 200',
    unit: 'MB',
    is: 'at most',
    node: 0.1,
    chromium: 0.5,
  },
  {
    row: 'asleep',
    key: 'memory',
    what: '1 000 plugins installed of which 20 active, memory to those 20 alone',
    unit: '',
    is: 'at most',
    node: 1.05,
    chromium: 1.05,
  },
];

/** Whether a value meets its goal. */
export function meets({ is }: Goal, value: number, limit: number): boolean {
  return is === 'at least' ? value >= limit : value <= limit;
}
