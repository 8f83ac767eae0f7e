/** Counters, gauges and histograms of the application and of plugins. */
import { createError, messageOf } from '@plinth/sdk/contract';
import { Histogram } from './histogram.js';

/** What a value is about, like `{ region: 'eu' }`. */
export type Labels = Readonly<Record<string, string | number | boolean>>;

/** What an instrument measures. */
export interface InstrumentOptions {
  readonly description?: string;
  /** A unit of UCUM: `s`, `By`, `{request}`. */
  readonly unit?: string;
}

/** Counts up. */
export interface Counter {
  /** @throws PluginValidationError `value/invalid` for a value below 0. */
  add(by?: number, labels?: Labels): void;
}

/** A value that goes up and down. */
export interface Gauge {
  /** @throws PluginValidationError `value/invalid` for what isn't a finite number. */
  set(value: number, labels?: Labels): void;
}

/** The distribution of values from 0 on. */
export interface Distribution {
  /** @throws PluginValidationError `value/invalid` for a value below 0. */
  record(value: number, labels?: Labels): void;
}

/** The kinds of instruments. */
export type InstrumentKind = 'counter' | 'gauge' | 'histogram';

/** One series of an instrument, as plain data. */
export interface InstrumentData extends InstrumentOptions {
  readonly kind: InstrumentKind;
  readonly name: string;
  /** The plugin that measures, or `host`. */
  readonly source: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The sum of a counter, or the last value of a gauge. */
  readonly value?: number;
  /** Only of a histogram. */
  readonly count?: number;
  readonly sum?: number;
  readonly max?: number;
  /** Quantiles of a histogram. */
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

/** The most instruments of one source, and the most series of one instrument and of one source. */
const MAX_INSTRUMENTS = 200;
const MAX_SERIES = 200;
const MAX_OF_SOURCE = 2_000;
/** The most warnings about one source. */
const MAX_TOLD = 10;
const MAX_LABELS = 8;
const MAX_LABEL = 128;
const NAME = /^[a-zA-Z][a-zA-Z0-9_./-]{0,62}$/;
/** Takes what is beyond the bound. */
const OTHER: Labels = Object.freeze({ other: 'true' });

interface InstrumentSeries {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  readonly values: Histogram | undefined;
}

interface Instrument extends InstrumentOptions {
  readonly kind: InstrumentKind;
  readonly name: string;
  readonly source: string;
  readonly series: Map<string, InstrumentSeries>;
}

/** Owns the instruments of a tenant. */
export class Instruments {
  readonly #all = new Map<string, Map<string, Instrument>>();
  /** How many series each source has. */
  readonly #counts = new Map<string, number>();
  /** The bounds that were reached, by source, each told once. */
  readonly #full = new Map<string, Set<string>>();
  readonly #tell: (source: string, what: string) => void;

  /** @param tell called once for each source and bound that is reached. */
  constructor(tell: (source: string, what: string) => void) {
    this.#tell = tell;
  }

  counter(source: string, name: string, options?: InstrumentOptions): Counter {
    const instrument = this.#open(source, 'counter', name, options);
    return { add: (by = 1, labels) => this.#record(instrument, by, labels) };
  }

  gauge(source: string, name: string, options?: InstrumentOptions): Gauge {
    const instrument = this.#open(source, 'gauge', name, options);
    return { set: (value, labels) => this.#record(instrument, value, labels) };
  }

  histogram(source: string, name: string, options?: InstrumentOptions): Distribution {
    const instrument = this.#open(source, 'histogram', name, options);
    return { record: (value, labels) => this.#record(instrument, value, labels) };
  }

  /** Records a value of any kind. @throws PluginValidationError `value/invalid`. */
  record(source: string, kind: InstrumentKind, name: string, value: number, labels?: Labels): void {
    this.#record(this.#open(source, kind, name), value, labels);
  }

  /** All series, by source and name. */
  data(): readonly InstrumentData[] {
    return [...this.#all.values()].flatMap((of) =>
      [...of.values()].flatMap((instrument) =>
        [...instrument.series.values()].map((series) => dataOf(instrument, series)),
      ),
    );
  }

  /** What a plugin measured is dropped. */
  forget(source: string): void {
    this.#all.delete(source);
    this.#counts.delete(source);
    this.#full.delete(source);
  }

  #onFull(source: string, what: string): void {
    const full = this.#full.get(source) ?? new Set();
    if (full.has(what) || full.size >= MAX_TOLD) return;
    this.#full.set(source, full.add(what));
    this.#tell(source, what);
  }

  #open(
    source: string,
    kind: InstrumentKind,
    name: string,
    options: InstrumentOptions = {},
  ): Instrument | undefined {
    if (typeof name !== 'string' || !NAME.test(name))
      throw wrong(
        source,
        `'${String(name).slice(0, 80)}' is no name of a metric: a letter, then up to 62 letters, digits, '_', '.', '/' and '-'`,
      );
    const { description, unit } = Object(options) as InstrumentOptions;
    if ([description, unit].some((text) => text !== undefined && typeof text !== 'string'))
      throw wrong(source, `'description' and 'unit' of the metric ${name} are texts`);
    let own = this.#all.get(source);
    if (own === undefined) {
      own = new Map();
      this.#all.set(source, own);
    }
    const known = own.get(name);
    if (known !== undefined) {
      if (known.kind === kind) return known;
      throw wrong(source, `the metric ${name} is a ${known.kind}, and can't be a ${kind} as well`);
    }
    if (own.size >= MAX_INSTRUMENTS) {
      this.#onFull(source, `${source} has ${MAX_INSTRUMENTS} metrics, more are dropped`);
      return undefined;
    }
    const instrument: Instrument = {
      kind,
      name,
      source,
      ...(description !== undefined && { description: description.slice(0, 256) }),
      ...(unit !== undefined && { unit: unit.slice(0, 32) }),
      series: new Map(),
    };
    own.set(name, instrument);
    return instrument;
  }

  #record(instrument: Instrument | undefined, value: number, labels: Labels | undefined): void {
    if (instrument === undefined) return;
    const { kind, name, source } = instrument;
    if (typeof value !== 'number' || !Number.isFinite(value) || (kind !== 'gauge' && value < 0))
      throw wrong(
        source,
        `the metric ${name} takes finite numbers${kind === 'gauge' ? '' : ' from 0 on'}, not ${messageOf(value)}`,
      );
    const series = this.#series(instrument, labelsOf(source, name, labels));
    if (kind === 'histogram') series.values?.record(value);
    else series.value = kind === 'gauge' ? value : series.value + value;
  }

  #series(instrument: Instrument, labels: Readonly<Record<string, string>>): InstrumentSeries {
    const key = JSON.stringify(labels);
    const known = instrument.series.get(key);
    if (known !== undefined) return known;
    const { name, source } = instrument;
    const count = this.#counts.get(source) ?? 0;
    if (labels !== OTHER && (instrument.series.size >= MAX_SERIES || count >= MAX_OF_SOURCE)) {
      this.#onFull(
        source,
        count >= MAX_OF_SOURCE
          ? `${source} has ${MAX_OF_SOURCE} series of metrics, more are counted together`
          : `the metric ${name} of ${source} has ${MAX_SERIES} sets of labels, more are counted together`,
      );
      return this.#series(instrument, OTHER as Readonly<Record<string, string>>);
    }
    const values = instrument.kind === 'histogram' ? new Histogram() : undefined;
    const series = { labels, value: 0, values };
    instrument.series.set(key, series);
    this.#counts.set(source, count + 1);
    return series;
  }
}

const NO_LABELS = Object.freeze({});

/** Labels as texts, by name. @throws PluginValidationError `value/invalid`. */
function labelsOf(
  source: string,
  metric: string,
  labels: Labels | undefined,
): Readonly<Record<string, string>> {
  if (labels === undefined) return NO_LABELS;
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels))
    throw wrong(source, `labels of the metric ${metric} are an object of texts`);
  const names = Object.keys(labels).sort();
  if (names.length > MAX_LABELS)
    throw wrong(source, `the metric ${metric} takes at most ${MAX_LABELS} labels`);
  return Object.fromEntries(
    names.map((name) => {
      const value = labels[name];
      if (!NAME.test(name) || !['string', 'number', 'boolean'].includes(typeof value))
        throw wrong(
          source,
          `'${name.slice(0, 64)}' of the metric ${metric} is no label: a name with a text, number or boolean`,
        );
      return [name, String(value).slice(0, MAX_LABEL)];
    }),
  );
}

const wrong = (source: string, what: string): Error =>
  createError('value/invalid', what, source === 'host' ? {} : { plugin: source });

function dataOf(instrument: Instrument, { labels, value, values }: InstrumentSeries) {
  const { kind, name, source, description, unit } = instrument;
  const about: Omit<InstrumentData, 'value'> = {
    kind,
    name,
    source,
    labels,
    ...(description !== undefined && { description }),
    ...(unit !== undefined && { unit }),
  };
  if (values === undefined) return { ...about, value };
  const at = (share: number) => values.quantile(share) ?? 0;
  const { count, total: sum, max } = values;
  return { ...about, count, sum, max, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
