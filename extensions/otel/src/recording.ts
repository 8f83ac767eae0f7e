/** All that records in one tenant. It is loaded when an SDK is registered. */
import type { Meter } from '@opentelemetry/api';
import {
  type CallFacts,
  type ExtensionPort,
  type Gate,
  type GuestView,
  type Interest,
  observer,
  type Registered,
  type TargetView,
  wrapper,
} from '@plinth/kernel/extension';
import { type Receipt, TELEMETRY } from './contract.js';
import type { Faults } from './faults.js';
import { Gauges } from './gauges.js';
import { createInstruments, type Instruments } from './instruments.js';
import { watchLifecycle } from './lifecycle.js';
import { Pace } from './pace.js';
import { Reports } from './reports.js';
import type { Sdk } from './sdk.js';
import { type CallParts, type InFlight, type Seen, Watched } from './watched.js';

/** The port, as far as recording uses it. */
export type RecordingPort = ExtensionPort<{
  readonly name: 'otel';
  readonly uses: readonly ['events', 'intercept', 'transition'];
}>;

/** What the tenants of a kernel share. */
export interface SharedParts {
  /** Series of each metric. */
  readonly series: number;
  readonly sample: number;
  readonly durations: number;
  readonly instruments: Map<Meter, Instruments>;
}

/** Plugins whose calls in flight are counted by name. */
const MOST_COUNTED = 1_000;

/** Records one tenant until it is ended. */
export class Recording {
  readonly #gauges: Gauges | undefined;
  readonly #reports: Reports;
  readonly #registered: readonly Registered[];
  readonly #inFlight = new Map<string, InFlight>();

  constructor(port: RecordingPort, { tracer, meter }: Sdk, shared: SharedParts, faults: Faults) {
    const { tenant } = port;
    const instruments = meter && faults.contain(() => instrumentsOf(meter, shared));
    const { sample, durations } = shared;
    const pace = new Pace(durations, (milliseconds, task) => port.after(milliseconds, task));
    const { shown } = port.log;
    const parts: CallParts = { tenant, tracer, instruments, faults, sample, pace, shown };
    this.#gauges =
      instruments &&
      new Gauges({
        port,
        collector: instruments.collector,
        faults,
        inFlight: this.#inFlight,
      });
    this.#reports = new Reports(parts);
    const calls = port.intercept({
      place: 'outside',
      for: (target) => this.#interest(target, parts, port.plugins),
    });
    this.#registered = [
      calls,
      // The host may answer in its place from now on.
      port.events.on('plugin:uninstalled', () => calls.changed()),
      ...watchLifecycle(port, parts),
    ];
  }

  guest(guest: GuestView): Gate | undefined {
    return this.#gauges?.add(guest);
  }

  /** @throws PluginValidationError `call/invalid-input`. */
  reported(report: unknown, call: Pick<CallFacts, 'caller'>): Receipt {
    return this.#reports.take(report, call);
  }

  end(): void {
    for (const one of this.#registered) one.dispose();
    this.#gauges?.end();
  }

  #interest(
    target: TargetView,
    parts: CallParts,
    plugins: RecordingPort['plugins'],
  ): Interest | undefined {
    // Reports of telemetry would make more of it.
    if (target.owner === TELEMETRY) return undefined;
    const watched = new Watched(target, parts, this.#inFlightOf(parts.shown(target.owner)));
    // A handler of the host runs inside of its span. Observing costs less.
    if (parts.tracer !== undefined && plugins.get(target.owner) === undefined)
      return wrapper((call, input, next) => watched.run(call, input, next));
    return observer<Seen | undefined>({
      start: (call) => watched.begin(call),
      end: (call, { ok, value }, seen) => watched.end(call, ok, value, seen),
    });
  }

  #inFlightOf(owner: string): InFlight {
    const name = this.#inFlight.size < MOST_COUNTED ? owner : 'other';
    const counter = this.#inFlight.get(owner) ?? this.#inFlight.get(name) ?? { calls: 0 };
    if (!this.#inFlight.has(owner)) this.#inFlight.set(name, counter);
    return counter;
  }
}

function instrumentsOf(meter: Meter, { series, instruments }: SharedParts): Instruments {
  const made = instruments.get(meter) ?? createInstruments(meter, series);
  instruments.set(meter, made);
  return made;
}
