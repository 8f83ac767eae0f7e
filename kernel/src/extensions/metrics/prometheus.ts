/**
 * Metrics in the text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
import type { InstrumentData } from './instruments.js';
import type { Series } from './series.js';

/** Upper bounds of the exported buckets, in seconds. */
const BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60] as const;

/** What is exported. */
export interface Exported {
  readonly tenant: string;
  readonly series: readonly Series[];
  readonly instruments: readonly InstrumentData[];
  /** Counters of the kernel and of its extensions, by name. */
  readonly counters: Readonly<Record<string, number>>;
  /** How many plugins are in each state. */
  readonly states: ReadonlyMap<string, number>;
}

/** Writes metrics as text. */
export function prometheusText(exported: Exported): string {
  const { tenant, series, instruments, counters, states } = exported;
  const lines: string[] = [];
  const family = (name: string, type: string, help: string) =>
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
  const sample = (name: string, labels: Readonly<Record<string, string>>, value: number) =>
    lines.push(`${name}${labelText({ tenant, ...labels })} ${valueText(value)}`);

  family('plugin_command_duration_seconds', 'histogram', 'Time that commands and hooks took.');
  for (const { name, times } of series) {
    const labels = { plugin: name.plugin, kind: name.kind, command: name.feature };
    let count = 0;
    const buckets = times.bucketsIn(BOUNDS.map((bound) => bound * 1_000));
    for (const [index, bound] of BOUNDS.entries()) {
      count += buckets[index] as number;
      sample('plugin_command_duration_seconds_bucket', { ...labels, le: String(bound) }, count);
    }
    sample('plugin_command_duration_seconds_bucket', { ...labels, le: '+Inf' }, times.count);
    sample('plugin_command_duration_seconds_sum', labels, times.total / 1_000);
    sample('plugin_command_duration_seconds_count', labels, times.count);
  }
  family(
    'plugin_command_errors_total',
    'counter',
    'Commands and hooks that failed, by error code.',
  );
  for (const { name, errors } of series)
    for (const [code, count] of errors)
      sample(
        'plugin_command_errors_total',
        { plugin: name.plugin, kind: name.kind, command: name.feature, error: code },
        count,
      );
  family('plugin_state', 'gauge', 'Plugins by their state.');
  for (const [state, count] of states) sample('plugin_state', { state }, count);
  for (const [name, value] of Object.entries(counters)) {
    const full = `plinth_${metricName(name)}`;
    family(full, 'untyped', `The kernel's count of ${name}.`);
    sample(full, {}, value);
  }
  lines.push(...instrumentLines(tenant, instruments));
  return `${lines.join('\n')}\n`;
}

function instrumentLines(tenant: string, all: readonly InstrumentData[]): readonly string[] {
  const lines: string[] = [];
  const families = new Map<string, InstrumentData[]>();
  for (const one of all) {
    // Two plugins may give one name to metrics of different kinds. A family has one type.
    const name = `app_${metricName(one.name)}`;
    const full = one.kind === 'histogram' ? summaryName(name) : name + SUFFIXES[one.kind];
    families.set(full, [...(families.get(full) ?? []), one]);
  }
  for (const [name, members] of families) {
    const [{ kind, description }] = members as [InstrumentData];
    lines.push(
      `# HELP ${name} ${escapeHelp(description ?? `The metric ${name} of the application.`)}`,
      `# TYPE ${name} ${kind === 'histogram' ? 'summary' : kind}`,
    );
    // Two names may become one. The format takes each series once.
    const written = new Set<string>();
    for (const one of members) {
      const { quantile: _, ...own } = named(one.labels);
      const labels = { ...own, tenant, source: one.source };
      const text = labelText(labels);
      if (written.has(text)) continue;
      written.add(text);
      if (one.kind !== 'histogram') {
        lines.push(`${name}${text} ${valueText(one.value ?? 0)}`);
        continue;
      }
      for (const [quantile, value] of [
        ['0.5', one.p50],
        ['0.95', one.p95],
        ['0.99', one.p99],
      ] as const)
        lines.push(`${name}${labelText({ ...labels, quantile })} ${valueText(value ?? 0)}`);
      lines.push(
        `${name}_sum${text} ${valueText(one.sum ?? 0)}`,
        `${name}_count${text} ${valueText(one.count ?? 0)}`,
      );
    }
  }
  return lines;
}

const SUFFIXES = { counter: '_total', gauge: '_value' } as const;

/** A summary must not have the name of another kind's family. */
const summaryName = (name: string): string =>
  Object.values(SUFFIXES).some((suffix) => name.endsWith(suffix)) ? `${name}_summary` : name;

const metricName = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_');

/** Labels under names that the format allows. */
const named = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [metricName(name), value]));

const labelText = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',')}}`;

const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
