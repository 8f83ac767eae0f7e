/**
 * `@plinth/otel/host`: traces and metrics of plugins, by OpenTelemetry. The application brings the
 * SDK; this package uses its API alone.
 *
 * @module
 */
import { context, type Meter, propagation, type Tracer, trace } from '@opentelemetry/api';
import { defineExtension } from '@plinth/kernel/extension';
import { checkOptionNames, createError } from '@plinth/sdk/contract';
import { type Receipt, Telemetry } from './contract.js';
import { Faults } from './faults.js';
import type { Recording, SharedParts } from './recording.js';
import { findSdk } from './sdk.js';
import { readTraceparent, within, writeTraceparent } from './traceparent.js';

/** Options of {@link otel}. */
export interface OtelOptions {
  /** Makes the spans. Absent: the global tracer, if one is registered. False: there are no spans. */
  readonly tracer?: Tracer | false;
  /** Makes the metrics. Absent: the global meter, if one is registered. False: there are none. */
  readonly meter?: Meter | false;
  /**
   * Series of each metric: combinations of tenant, plugin, command and error. What is beyond shares
   * one whose plugin is `other`. At least 1. Default: 2000, as many as an SDK keeps.
   */
  readonly series?: number;
  /**
   * The share of traces that are begun here, from 0 to 1; 1 when absent. It decides before the SDK
   * is called, at a fraction of what its sampler costs. A call with a trace is always in it.
   */
  readonly sample?: number;
  /**
   * Durations that are recorded of one command in a second; 1000 when absent, Infinity for all.
   * The others are counted alone. Recording costs as much as a third of a fast call.
   */
  readonly durations?: number;
}

/** Facts that a call carries. */
export interface Carried {
  readonly traceparent?: string | undefined;
  readonly baggage?: Readonly<Record<string, string>>;
}

/** `kernel.extension(otel)`. */
export interface Otel {
  /** What is recorded now. */
  readonly recording: { readonly traces: boolean; readonly metrics: boolean };
  /**
   * Looks again for a registered SDK: after it was registered or shut down while the kernel runs.
   * Guests that are already running get no measures of memory and CPU.
   */
  refresh(): Promise<void>;
  /**
   * The active span and baggage of the application, as options of a call.
   *
   * @example
   * await kernel.commands.execute('com.example.shop:order', order, kernel.extension(otel).active());
   */
  active(): Carried;
  /**
   * Runs work as a part of a call: its span is then the active one, and its baggage is that of the
   * call. Handlers of the host run so already, until their first `await` in browsers.
   *
   * @param call the second argument of a handler, or an event.
   */
  inside<T>(call: Carried, work: () => T): T;
}

const NOTHING: Receipt = Object.freeze({ dropped: 0, quiet: 10_000 });
/** The series that an SDK keeps of a metric unless it is told otherwise. */
const SERIES = 2_000;
const DURATIONS = 1_000;

/**
 * Records traces and metrics of all plugins and calls of a kernel, in each of its tenants.
 *
 * An SDK has to be registered before `kernel.start()`; one that comes later is noticed by
 * `kernel.extension(otel).refresh()`. Without an SDK calls take the path that they take in a kernel
 * without this extension.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * import { trace } from '@opentelemetry/api';
 * trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }));
 * const kernel = await createKernel({ extensions: [otel()] });
 */
export const otel = defineExtension(
  {
    name: 'otel',
    uses: ['events', 'guests', 'intercept', 'provide', 'transition'],
    features: ['otel'],
  },
  (options: OtelOptions = {}) => {
    const { series = SERIES, sample = 1, durations = DURATIONS } = checked(options);
    const shared: SharedParts = { series, sample, durations, instruments: new Map() };
    return {
      close() {
        for (const { collector } of shared.instruments.values()) collector.close();
        shared.instruments.clear();
      },
      install(port): Otel {
        const faults = new Faults((message, fields) => port.log.error(message, fields));
        let recording: Recording | undefined;
        let sdk: ReturnType<typeof findSdk> = { tracer: undefined, meter: undefined };
        let ended = false;
        const look = async (): Promise<void> => {
          const found = faults.contain(() => findSdk(options));
          if (found === undefined || (found.tracer === sdk.tracer && found.meter === sdk.meter))
            return;
          const records = found.tracer !== undefined || found.meter !== undefined;
          const loaded = records ? await import('./recording.js') : undefined;
          if (ended) return;
          recording?.end();
          sdk = found;
          recording = loaded && new loaded.Recording(port, found, shared, faults);
        };
        let last: Promise<void> = Promise.resolve();
        // One after the other, so that the last that is found is the one that records.
        const refresh = (): Promise<void> => {
          last = last.then(look, look);
          return last;
        };
        port.on('open', refresh);
        port.guests((guest) => recording?.guest(guest));
        port.provide(Telemetry, {
          record: (report: unknown, call) => recording?.reported(report, call) ?? NOTHING,
        });
        port.own(() => {
          ended = true;
          recording?.end();
        });
        return {
          get recording() {
            return { traces: sdk.tracer !== undefined, metrics: sdk.meter !== undefined };
          },
          refresh,
          active,
          inside,
        };
      },
    };
  },
);

function active(): Carried {
  const span = trace.getSpanContext(context.active());
  const entries = propagation.getActiveBaggage()?.getAllEntries() ?? [];
  return {
    traceparent: span && writeTraceparent(span),
    ...(entries.length > 0 && {
      baggage: Object.fromEntries(entries.map(([name, { value }]) => [name, value])),
    }),
  };
}

function inside<T>(call: Carried, work: () => T): T {
  checkCarried(call, work);
  const { traceparent, baggage } = call;
  const entries = Object.entries(baggage ?? {}).map(([name, value]) => [name, { value }] as const);
  return context.with(
    propagation.setBaggage(
      within(readTraceparent(traceparent, false)),
      propagation.createBaggage(Object.fromEntries(entries)),
    ),
    work,
  );
}

/** A call of the kernel, which has more beside what is carried, or what was kept of one. */
function checkCarried(call: unknown, work: unknown): void {
  if (typeof call === 'object' && call !== null && typeof work === 'function') return;
  throw createError(
    'kernel/invalid-option',
    'inside() takes what carried() has answered, or a call, and a function',
    { details: { option: 'call' } },
  );
}

const OPTIONS: readonly string[] = ['tracer', 'meter', 'series', 'sample', 'durations'];
const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

function checked(options: OtelOptions): OtelOptions {
  const wrong = (option: string, what: string) =>
    createError('kernel/invalid-option', `otel(): '${option}' ${what}`, { details: { option } });
  checkOptionNames('otel()', options, OPTIONS, 'options');
  const { tracer, meter, series, sample, durations } = options;
  if (tracer !== undefined && tracer !== false && typeof tracer?.startSpan !== 'function')
    throw wrong('tracer', 'is no tracer: give what a provider of OpenTelemetry answers, or false');
  if (meter !== undefined && meter !== false && typeof meter?.createHistogram !== 'function')
    throw wrong('meter', 'is no meter: give what a provider of OpenTelemetry answers, or false');
  if (series !== undefined && !(Number.isInteger(series) && series >= 1))
    throw wrong('series', 'is a whole number of at least 1');
  if (sample !== undefined && !isWithin(sample, 0, 1))
    throw wrong('sample', 'is a share: a number from 0 to 1');
  if (durations !== undefined && !isWithin(durations, 1, Number.POSITIVE_INFINITY))
    throw wrong('durations', 'is a number of at least 1 (Infinity for all)');
  return options;
}
