/** Reads the gauges of all tenants when an exporter asks. */
import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Meter,
  Observable,
} from '@opentelemetry/api';
import type { Series, Tallies } from './series.js';

/** A value that is read when an exporter asks. */
export type GaugeName =
  | 'active'
  | 'inFlight'
  | 'waiting'
  | 'pending'
  | 'memory'
  | 'cpu'
  | 'utilization'
  | 'eventLoop'
  | 'storage'
  | TallyName;

/** What is counted in between, and read as a total. */
export type TallyName = 'commands' | 'hooks' | 'events';

/** Adds a value. What shares a series is summed. */
export type Add = (name: GaugeName, of: Attributes, value: number) => void;

/** Reads the values of one tenant. */
export type Read = (add: Add) => Promise<void>;

type Values = Map<Attributes, number>;

/** Owns the callback of one meter. It is registered while there is something to read. */
export class Collector {
  readonly series: Series;
  readonly #meter: Meter;
  readonly #gauges: Readonly<Record<GaugeName, Observable>>;
  readonly #tallies: Readonly<Record<TallyName, Tallies>>;
  readonly #reads = new Set<Read>();
  /** What was read before. An SDK shows a series until it gets another value. */
  readonly #seen = new Map<GaugeName, Set<Attributes>>();
  readonly #callback: BatchObservableCallback;
  #registered = false;

  constructor(
    meter: Meter,
    gauges: Readonly<Record<GaugeName, Observable>>,
    series: Series,
    tallies: Readonly<Record<TallyName, Tallies>>,
  ) {
    this.#meter = meter;
    this.#tallies = tallies;
    this.#gauges = gauges;
    this.series = series;
    this.#callback = (result) => this.#collect(result);
  }

  add(read: Read): void {
    this.#reads.add(read);
    if (this.#registered) return;
    this.#meter.addBatchObservableCallback(this.#callback, Object.values(this.#gauges));
    this.#registered = true;
  }

  /** What was read is 0 from now on. */
  remove(read: Read): void {
    this.#reads.delete(read);
  }

  /** The kernel ends. */
  close(): void {
    if (this.#registered)
      this.#meter.removeBatchObservableCallback(this.#callback, Object.values(this.#gauges));
    this.#registered = false;
  }

  async #collect(result: BatchObservableResult): Promise<void> {
    const all = new Map<GaugeName, Values>();
    const add: Add = (name, of, value) => {
      const values = all.get(name) ?? new Map();
      values.set(of, (values.get(of) ?? 0) + value);
      all.set(name, values);
    };
    await Promise.all([...this.#reads].map((read) => read(add)));
    for (const [name, tallies] of Object.entries(this.#tallies))
      for (const { of, calls } of tallies.all()) add(name as TallyName, of, calls);
    // Time that was used stays used.
    for (const [name, seen] of this.#seen)
      if (name !== 'cpu') for (const of of seen) add(name, of, 0);
    for (const [name, values] of all) {
      this.#seen.set(name, new Set(values.keys()));
      for (const [of, value] of values) result.observe(this.#gauges[name], value, of);
    }
  }
}
