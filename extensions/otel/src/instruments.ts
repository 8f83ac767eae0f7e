/** The metrics of the host, by the names of the semantic conventions: dots, and units of UCUM. */
import type { Counter, Histogram, Meter, Observable } from '@opentelemetry/api';
import type { TargetView } from '@plinth/kernel/extension';
import { Collector, type GaugeName } from './collector.js';
import { OwnMetrics } from './own-metrics.js';
import { Series, Tallies } from './series.js';

/** Bounds of the buckets, in seconds. Calls take from tens of microseconds on. */
const CALL_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const START_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A metric with its series. */
export interface Measured<I> {
  readonly instrument: I;
  readonly series: Series;
}

/** A counter of something that the kernel announces. */
export type CounterName =
  | 'restarts'
  | 'crashes'
  | 'quarantines'
  | 'failures'
  | 'dropped'
  | 'denials'
  | 'limits'
  | 'longTasks';

/** How calls are measured. */
export interface CallInstruments {
  readonly tallies: Tallies;
  /** Absent for events, which end when they are accepted. */
  readonly durations: Histogram | undefined;
}

/** The instruments of one meter. All tenants of a kernel share them. */
export interface Instruments {
  readonly meter: Meter;
  readonly calls: Readonly<Record<TargetView['kind'], CallInstruments>>;
  readonly starts: Measured<Histogram>;
  readonly counters: Readonly<Record<CounterName, Measured<Counter>>>;
  /** Reads the gauges of all tenants. */
  readonly collector: Collector;
  /** What plugins measure themselves. */
  readonly own: OwnMetrics;
}

/** @param most series of each metric. */
export function createInstruments(meter: Meter, most: number): Instruments {
  const timed = (
    name: string,
    description: string,
    explicitBucketBoundaries = CALL_BUCKETS,
  ): Histogram => {
    const advice = { explicitBucketBoundaries };
    return meter.createHistogram(name, { unit: 's', description, advice });
  };
  const tallied = (member: string) => new Tallies(new Series(most, member));
  const calls: Instruments['calls'] = {
    command: {
      tallies: tallied('plugin.command'),
      durations: timed('plugin.command.duration', 'Time that calls of commands took'),
    },
    hook: {
      tallies: tallied('plugin.hook'),
      durations: timed('plugin.hook.duration', 'Time that handlers of hooks took'),
    },
    event: { tallies: tallied('plugin.event'), durations: undefined },
  };
  return {
    meter,
    calls,
    starts: {
      instrument: timed(
        'plugin.start.duration',
        'Time that the phases of a start took',
        START_BUCKETS,
      ),
      series: new Series(most, 'plugin.phase'),
    },
    counters: createCounters(meter, most),
    collector: new Collector(meter, createGauges(meter), new Series(most), {
      commands: calls.command.tallies,
      hooks: calls.hook.tallies,
      events: calls.event.tallies,
    }),
    own: new OwnMetrics(meter),
  };
}

function createCounters(meter: Meter, most: number): Instruments['counters'] {
  const counted = (
    name: string,
    unit: string,
    description: string,
    series = new Series(most),
  ): Measured<Counter> => ({
    instrument: meter.createCounter(name, { unit, description }),
    series,
  });
  return {
    restarts: counted('plugin.restarts', '{restart}', 'Restarts after a crash'),
    crashes: counted('plugin.crashes', '{crash}', 'Guests that ended unexpectedly'),
    quarantines: counted('plugin.quarantines', '{plugin}', 'Plugins that crashed too often'),
    failures: counted('plugin.failures', '{failure}', 'Starts that failed'),
    dropped: counted('plugin.events.dropped', '{event}', 'Events that a slow listener missed'),
    longTasks: counted(
      'plugin.long_tasks',
      '{task}',
      "Handlers that held their guest's thread for more than 50 ms",
      new Series(most, 'plugin.command', 'plugin.task.kind'),
    ),
    denials: counted('plugin.permission.denials', '{request}', 'Requests without the right'),
    limits: counted(
      'plugin.limits.reached',
      '{step}',
      'Steps against plugins that exceed a limit',
      new Series(most, 'plugin.resource', 'plugin.limit.step'),
    ),
  };
}

function createGauges(meter: Meter): Readonly<Record<GaugeName, Observable>> {
  const level = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(name, { unit, description });
  const total = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(name, { unit, description });
  return {
    commands: total('plugin.command.calls', '{call}', 'Calls of commands that have ended'),
    hooks: total('plugin.hook.calls', '{call}', 'Calls of handlers of hooks that have ended'),
    events: total('plugin.events.emitted', '{event}', 'Events that were emitted'),
    active: level('plugin.active', '{plugin}', 'Plugins that run'),
    inFlight: level('plugin.command.active', '{call}', 'Calls in flight'),
    waiting: level('plugin.queue.depth', '{message}', 'Messages that wait until a plugin runs'),
    pending: level('plugin.guest.pending', '{call}', 'Calls that a guest has not answered'),
    memory: level('plugin.memory.usage', 'By', 'Memory of guests'),
    storage: level('plugin.storage.usage', 'By', 'What plugins that run have stored'),
    cpu: total('plugin.cpu.time', 's', 'Time of the processor that guests used'),
    eventLoop: meter.createObservableGauge('plugin.event_loop.utilization', {
      unit: '1',
      description: 'Share of the time that the event loop of a guest was busy lately',
    }),
    utilization: meter.createObservableGauge('plugin.cpu.utilization', {
      unit: '1',
      description: 'Share of one core since the last export',
    }),
  };
}
