/** Every figure with a benchmark goal: its source and its target in Node and in Chromium. */
import { atLeast, atMost, type Goal, type RowName } from './goal.ts';
import type { Outcomes } from './outcome.ts';

export * from './goal.ts';

const informational = { informational: true } as const;
const required = { required: true } as const;
const ms = { unit: 'ms' } as const;
const megabytes = { unit: 'MB' } as const;
const kilobytes = { unit: 'kB' } as const;

const FULL = 'typed client, 3 middlewares, deadline and metrics';
const VALIBOT = `${FULL}, valibot schemas in and out`;
const SWAPS = '50 reloads in a row under 2 000 calls/s of 8 guests and the host (Chromium 500)';
const AUDIENCE = '100 guests (Chromium 50)';
const LARGE = 'a plugin of 300 kB';

const CALLS: readonly Goal[] = [
  atLeast('calls', 'valibot16', `calls/s at 16 in flight, ${VALIBOT}, to raw`, 2.3, 4),
  atLeast('calls', 'valibot256', 'the same at 256 in flight', 3.2, 8),
  atLeast('calls', 'valibot4096', 'the same at 4 096 in flight', 2.2, 7),
  atLeast('calls', 'checks256', 'at 256 in flight with hand-written checks', 3.2, 8, informational),
  atLeast('calls', 'bare256', 'at 256 in flight without validation', 4, 10),
  atMost('calls', 'single', 'calls one after another with valibot, median time to raw', 1, 1.1),
  atMost('calls', 'singleTail', 'p99 of a single call with valibot, to that of raw', 1, 1),
  atLeast('calls', 'comlink', 'calls/s at 256 in flight with valibot, to plain Comlink', 8, 10),
  atLeast('cold', 'rate', `calls/s at 256 in flight with valibot, the first 1.5 s, to raw`, 2, 4),
  atMost('kernel', 'cost', `the kernel's own cost of a call: ${FULL}, validation`, 0.5, 0.5, {
    unit: 'µs',
  }),
  atMost('kernel', 'costWithCopies', 'the same with argument and answer copied', 0.5, 0.5, {
    unit: 'µs',
    informational: true,
  }),
  atMost('validation', 'ratio', 'a call with valibot in and out, to one without schemas', 2, 2),
  atMost('extension', 'ratio', 'a call beside 8 extensions that do not watch it', 1.05, 1.05),
  atMost('otel', 'absent', 'a call at 256 in flight with `otel()` and no SDK', 1.05, 1.05),
  atMost('otel', 'metrics', 'the same with an SDK: metrics alone', 1.15, 1.15),
  atMost('otel', 'sampled', 'the same with metrics, and traces of 1 % of the calls', 1.15, 1.15),
  atMost('otel', 'all', 'the same with metrics, and traces of all calls', 1, 1, informational),
  atLeast(
    'relay',
    'policed',
    'plugin → plugin with 3 middlewares, calls/s at 256 in flight, to raw workers joined directly',
    1,
    2.5,
  ),
  atLeast('relay', 'plain', 'the same without middleware, lanes off', 1.3, 3),
  atLeast('relay', 'lane', 'the same over a lane', 2.5, 5),
  atMost('events', 'burst', `100 events in a turn to ${AUDIENCE}, time to raw posts`, 0.1, 0.1),
  atMost('events', 'lone', 'a lone event to as many, time to raw posts', 1.2, 1.2),
  atMost(
    'events',
    'loneByCall',
    'the same when each guest answers by a call that it makes after the event',
    1.2,
    1.2,
    informational,
  ),
  atMost(
    'flood',
    'neighbour',
    "neighbour's median latency during a flood of 4 096, to that of raw workers in the same flood",
    1,
    0.01,
  ),
  atMost('flood', 'tail', "neighbour's p99 in that flood, to that of raw workers", 0.25, 0.25),
  atLeast('flood', 'flooder', "the flooder's calls/s, to a raw flooder", 2, 2),
  atMost('flood', 'timer', "the host's 50 ms timer in that flood, latest tick", 250, 250, {
    unit: 'ms late',
  }),
];

const STARTS: readonly Goal[] = [
  atMost('crowd', 'start', '50 plugins activated and answered, time to empty workers', 1.2, 1.4),
  atMost(
    'spare',
    'activation',
    "activation on a warm spare, time to an empty worker's first message",
    0.06,
    0.15,
  ),
  atMost('sandbox', 'start', 'activation in a cold sandbox, to that in a cold worker', 2, 4),
  atMost('sandbox', 'startTime', 'activation in a sandbox that waits already', 10, 10, ms),
  atMost('sandbox', 'work', 'work of a plugin in a sandbox, to that in a worker', 1.25, 1.25),
  atMost(
    'held',
    'longest',
    "a plugin of 3 MB starts in a sandbox: longest time the host's thread is held, worst code",
    10,
    10,
    ms,
  ),
  atMost(
    'size',
    'guest',
    'guest runtime loaded before `activate`, minified, gzip',
    12,
    12,
    kilobytes,
  ),
  atMost('size', 'link', 'the link alone with Comlink, minified, gzip', 6, 6, kilobytes),
  atMost(
    'start10k',
    'start',
    '10 000 installed, none awake, time to reading and parsing their manifests synchronously',
    1.5,
    1.5,
  ),
  atMost(
    'start10k',
    'again',
    'the second start over the same folders of plugins and data',
    1.5,
    1.5,
    informational,
  ),
  atMost('start10k', 'heap', 'heap for each of those 10 000', 2, 2, kilobytes),
  atMost('resolve10k', 'time', '10 000 plugins with 30 000 dependencies resolved', 30, 30, ms),
  atMost('resolve10k', 'ratio', 'the same, to a bare Kahn sort', 3, 3),
  atMost('search10k', 'search', 'a search among 10 000 plugins, slowest kind', 1, 1, ms),
  atMost('search10k', 'all', 'a search that finds all of them', 1, 1, {
    ...ms,
    informational: true,
  }),
];

const VIEWS: readonly Goal[] = [
  atMost(
    'views',
    'click',
    'a click, the handler in a worker, the changed text: time beyond a bare call in the click',
    0.5,
    0.5,
    {
      ...ms,
    },
  ),
  atMost(
    'views',
    'rows',
    '1 000 rows of a plugin, time to the same by Preact in the page',
    1.5,
    1.5,
  ),
  atMost('views', 'updates', '60 changes a second: scripts of the page in a second', 8, 8, ms),
  atMost(
    'views',
    'updatesBeyond',
    'the same with style and layout, beyond those changes by Preact in the page',
    8,
    8,
    {
      ...ms,
      informational: true,
    },
  ),
];

const LIVES: readonly Goal[] = [
  atMost('settle', 'worst', 'calls in flight settled after their guest ended', 20, 20, ms),
  atMost('swap', 'failed', `${SWAPS}: calls that failed`, 0, 0, required),
  atMost('swap', 'lost', 'the same: numbers of the plugin lost', 0, 0, required),
  atMost('swap', 'duplicated', 'the same: numbers given out twice', 0, 0, required),
  atMost('swap', 'reordered', "the same: numbers out of their caller's order", 0, 0, required),
  atMost('swap', 'latency', 'the same: p99 over that without reloads', 5, 8, ms),
  atMost('swap', 'latencyOnLanes', 'the same over lanes', 5, 8, { ...ms, informational: true }),
  atMost('swap', 'latencyOfSlow', 'the same when the plugin takes 10 ms to activate', 5, 8, {
    ...ms,
    informational: true,
  }),
  atMost('memory', 'idle', 'private memory of an idle guest, to an empty worker', 1.08, 1.15),
  atMost(
    'reload-memory',
    'growth',
    `memory that a reload of ${LARGE} leaves behind, over 200`,
    0.02,
    0.02,
    megabytes,
  ),
  atMost('reload-memory', 'updateGrowth', 'the same of an update', 0.02, 0.02, megabytes),
  atMost(
    'asleep',
    'slept',
    '1 000 installed, 20 awake, 980 that slept after being awake, memory to those 20 alone, to raw workers started and ended alike',
    1,
    1,
  ),
  atMost('asleep', 'sleeper', 'memory of each of those 980', 20, 20, kilobytes),
  atMost(
    'asleep',
    'memory',
    'the same when the 980 never were awake, to the 20 alone',
    1.05,
    1.05,
    informational,
  ),
];

const ROUTE = "a request for a plugin's route, time over that of the same Hono handler";
const SERVING: readonly Goal[] = [
  atMost('http', 'process', `${ROUTE}, called in the process`, 0.3, 0.3, ms),
  atMost('http', 'loopback', 'the same through servers on loopback', 0.3, 0.3, ms),
  atMost('http', 'clients', 'requests of 256 clients at the same time that failed', 0, 0, required),
  atMost('http', 'readers', '256 open streams of events: those that missed one', 0, 0, required),
];

export const GOALS: readonly Goal[] = [...CALLS, ...STARTS, ...VIEWS, ...LIVES, ...SERVING];

/** The outcomes of a row that can't be measured here. */
export function allMissing(row: RowName, missing: string): Outcomes {
  const goals = GOALS.filter((goal) => goal.row === row);
  return Object.fromEntries(goals.map(({ key }) => [key, { missing }]));
}
