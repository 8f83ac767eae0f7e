/** Makes a report of slots. */
import { Histogram } from './histogram.js';
import type {
  AvailabilityReport,
  CallReport,
  DependencyState,
  FeatureReport,
  PluginReport,
  ResourceReport,
  TelemetryReport,
} from './report-data.js';
import type { Series } from './series.js';
import type { ResourceData, SlotSum } from './slot.js';

/** What a report is made of. */
export interface ReportParts {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
  readonly resolution: number;
  readonly sum: SlotSum;
  /** One plugin alone. */
  readonly plugin: string | undefined;
  /** The state of a plugin now; undefined when it isn't installed. */
  stateOf(plugin: string): string | undefined;
  dependenciesOf(plugin: string): readonly DependencyState[];
}

/** Makes a report. */
export function reportOf(parts: ReportParts): TelemetryReport {
  const { tenant, from, to, resolution, sum, plugin } = parts;
  const seconds = Math.max(1, to - from) / 1_000;
  const { series } = sum;
  const wanted = plugin === undefined ? series.all : series.ofPlugin(plugin);
  const ids = new Set([...series.plugins, ...sum.plugins.keys()]);
  const plugins = [...ids]
    .filter((id) => (plugin ?? id) === id)
    .sort()
    .map((id): PluginReport => {
      const own = series.ofPlugin(id);
      const data = sum.plugins.get(id);
      return {
        plugin: id,
        ...callsOf(own, seconds),
        features: own
          .map((one) => featureOf(one, seconds))
          .sort((one, other) => (one.feature < other.feature ? -1 : 1)),
        resources: resourcesOf(id, data, seconds),
        availability: availabilityOf(data, parts.stateOf(id)),
        dependencies: parts.dependenciesOf(id),
      };
    });
  return { tenant, from, to, resolution, total: callsOf(wanted, seconds), plugins };
}

const featureOf = (series: Series, seconds: number): FeatureReport => ({
  kind: series.name.kind,
  feature: series.name.feature,
  ...callsOf([series], seconds),
});

function callsOf(all: readonly Series[], seconds: number): CallReport {
  const [only] = all;
  const times = all.length === 1 && only !== undefined ? only.times : new Histogram();
  const errors = new Map<string, number>();
  let failures = 0;
  for (const series of all) {
    if (times !== series.times) times.merge(series.times.toData());
    failures += series.failures;
    for (const [code, count] of series.errors) errors.set(code, (errors.get(code) ?? 0) + count);
  }
  const { count: calls, total, max } = times;
  const at = (share: number) => times.quantile(share) ?? 0;
  return {
    calls,
    failures,
    errorRate: calls === 0 ? 0 : failures / calls,
    throughput: calls / seconds,
    ...(calls > 0 && {
      responseTime: { mean: total / calls, p50: at(0.5), p95: at(0.95), p99: at(0.99), max },
    }),
    errors: Object.fromEntries(errors),
  };
}

function resourcesOf(
  plugin: string,
  data: ResourceData | undefined,
  seconds: number,
): ResourceReport {
  const { samples = 0, memory, maxMemory = 0, cpu, disk } = data ?? {};
  const unknown = (['cpu', 'disk', 'memory'] as const).filter(
    (name) => plugin !== 'host' && data?.[name] === undefined,
  );
  return {
    ...(memory !== undefined && {
      memory: { mean: memory / Math.max(1, samples), max: maxMemory },
    }),
    ...(cpu !== undefined && { cpu: cpu / 1_000 / seconds }),
    ...(disk !== undefined && { disk }),
    unknown,
  };
}

function availabilityOf(
  data: ResourceData | undefined,
  state: string | undefined,
): AvailabilityReport {
  const { up = 0, down = 0, crashes = 0, restarts = 0 } = data ?? {};
  return {
    ...(up + down > 0 && { share: up / (up + down) }),
    up,
    down,
    ...(state !== undefined && { state }),
    crashes,
    restarts,
  };
}
