/** Metrics that plugins measure themselves, bounded for each plugin. */
import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api';
import type { MetricReport } from './contract.js';

/** Instruments of one plugin. */
const MOST_INSTRUMENTS = 32;
/** Sets of attributes of one plugin in one tenant. */
const MOST_SERIES = 100;
/** Plugins, in all tenants, that may have metrics of their own. */
const MOST_PLUGINS = 1_000;

interface Own {
  readonly instruments: Map<string, Instrument>;
  /** By tenant. */
  readonly series: Map<string, Set<string>>;
}

type Instrument =
  | { readonly kind: 'counter'; readonly made: Counter }
  | { readonly kind: 'histogram'; readonly made: Histogram };

/** Owns the instruments of all plugins for one meter. */
export class OwnMetrics {
  readonly #meter: Meter;
  readonly #plugins = new Map<string, Own>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Records the values of one metric. Answers how many were not recorded. */
  record(tenant: string, plugin: string, { kind, name, unit, points }: MetricReport): number {
    const own = this.#of(plugin);
    const instrument = own && this.#instrument(own, kind, `${plugin}.${name}`, unit);
    if (own === undefined || instrument === undefined || instrument.kind !== kind)
      return points.length;
    for (const { value, attributes = {} } of points) {
      const full = attributesOf(own, tenant, plugin, attributes);
      if (instrument.kind === 'counter') instrument.made.add(value, full);
      else instrument.made.record(value, full);
    }
    return 0;
  }

  #of(plugin: string): Own | undefined {
    let own = this.#plugins.get(plugin);
    if (own === undefined && this.#plugins.size < MOST_PLUGINS) {
      own = { instruments: new Map(), series: new Map() };
      this.#plugins.set(plugin, own);
    }
    return own;
  }

  #instrument(
    { instruments }: Own,
    kind: MetricReport['kind'],
    name: string,
    unit: string | undefined,
  ): Instrument | undefined {
    let instrument = instruments.get(name);
    if (instrument === undefined && instruments.size < MOST_INSTRUMENTS) {
      const options = unit === undefined ? {} : { unit };
      instrument =
        kind === 'counter'
          ? { kind, made: this.#meter.createCounter(name, options) }
          : { kind, made: this.#meter.createHistogram(name, options) };
      instruments.set(name, instrument);
    }
    return instrument;
  }
}

/** The host says whose a value is. What is beyond the bound is one series of the plugin. */
function attributesOf(own: Own, tenant: string, plugin: string, given: Attributes): Attributes {
  const whose = { 'plugin.tenant': tenant, 'plugin.id': plugin };
  const known = own.series.get(tenant) ?? new Set<string>();
  const key = JSON.stringify(
    Object.entries(given).sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  if (!known.has(key)) {
    if (known.size >= MOST_SERIES || (own.series.size >= MOST_SERIES && known.size === 0))
      return { ...whose, 'otel.metric.overflow': true };
    known.add(key);
    own.series.set(tenant, known);
  }
  return { ...given, ...whose };
}
