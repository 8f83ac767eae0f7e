/**
 * Metrics in the text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
import type { InstrumentData } from './instruments.js';
import type { Series } from './series.js';

/** Upper bounds of the exported buckets, in seconds. */
const BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60] as const;
/** The most characters of the text. */
const MOST = 16_777_216;

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

/** Writes metrics as text. What is beyond the bound is left out, and a comment says so. */
export function prometheusText({
  tenant,
  series,
  instruments,
  counters,
  states,
}: Exported): string {
  const text = new Lines();
  text.family('plugin_command_duration_seconds', 'histogram', 'Time that commands and hooks took.');
  const all = series.map((one) => ({ one, labels: labelsOf(tenant, one) }));
  for (const { one, labels } of all) durationLines(text, labels, one);
  text.family(
    'plugin_command_errors_total',
    'counter',
    'Commands and hooks that failed, by error code.',
  );
  for (const { one, labels } of all)
    for (const [code, count] of one.errors)
      text.add(`plugin_command_errors_total{${labels},error="${escapeLabel(code)}"} ${count}`);
  text.family('plugin_state', 'gauge', 'Plugins by their state.');
  for (const [state, count] of states)
    text.add(`plugin_state${labelText({ tenant, state })} ${count}`);
  for (const [name, value] of Object.entries(counters)) {
    const full = `plinth_${metricName(name)}`;
    text.family(full, 'untyped', `The kernel's count of ${name}.`);
    text.add(`${full}${labelText({ tenant })} ${valueText(value)}`);
  }
  instrumentLines(text, tenant, instruments);
  return text.whole;
}

const labelsOf = (tenant: string, { name: { plugin, kind, feature } }: Series): string =>
  labelText({ tenant, plugin, kind, command: feature }).slice(1, -1);

function durationLines(text: Lines, labels: string, { times }: Series): void {
  const name = 'plugin_command_duration_seconds';
  let count = 0;
  const buckets = times.bucketsIn(BOUNDS.map((bound) => bound * 1_000));
  for (const [index, bound] of BOUNDS.entries()) {
    count += buckets[index] as number;
    text.add(`${name}_bucket{${labels},le="${bound}"} ${count}`);
  }
  text.add(`${name}_bucket{${labels},le="+Inf"} ${times.count}`);
  text.add(`${name}_sum{${labels}} ${valueText(times.total / 1_000)}`);
  text.add(`${name}_count{${labels}} ${times.count}`);
}

/** The lines of a text, as far as it may be long. */
class Lines {
  readonly #lines: string[] = [];
  #size = 0;
  #left = 0;

  family(name: string, type: string, help: string): void {
    this.add(`# HELP ${name} ${escapeHelp(help)}`);
    this.add(`# TYPE ${name} ${type}`);
  }

  add(line: string): void {
    this.#size += line.length + 1;
    if (this.#size > MOST) this.#left += 1;
    else this.#lines.push(line);
  }

  get whole(): string {
    if (this.#left > 0)
      this.#lines.push(
        `# ${this.#left} lines are left out: the text has ${MOST} characters at most`,
      );
    return `${this.#lines.join('\n')}\n`;
  }
}

function instrumentLines(text: Lines, tenant: string, all: readonly InstrumentData[]): void {
  const families = new Map<string, InstrumentData[]>();
  for (const one of all) {
    // Two plugins may give one name to metrics of different kinds. A family has one type.
    const name = `app_${metricName(one.name)}`;
    const full = one.kind === 'histogram' ? summaryName(name) : name + SUFFIXES[one.kind];
    const members = families.get(full);
    if (members === undefined) families.set(full, [one]);
    else members.push(one);
  }
  for (const [name, members] of families) {
    const [{ kind, description }] = members as [InstrumentData];
    text.family(
      name,
      kind === 'histogram' ? 'summary' : kind,
      description ?? `The metric ${name} of the application.`,
    );
    // Two names may become one. The format takes each series once.
    const written = new Set<string>();
    for (const one of members) {
      const { quantile: _, ...own } = named(one.labels);
      const labels = { ...own, tenant, source: one.source };
      const shown = labelText(labels);
      if (written.has(shown)) continue;
      written.add(shown);
      if (one.kind !== 'histogram') {
        text.add(`${name}${shown} ${valueText(one.value ?? 0)}`);
        continue;
      }
      for (const [quantile, value] of [
        ['0.5', one.p50],
        ['0.95', one.p95],
        ['0.99', one.p99],
      ] as const)
        text.add(`${name}${labelText({ ...labels, quantile })} ${valueText(value ?? 0)}`);
      text.add(`${name}_sum${shown} ${valueText(one.sum ?? 0)}`);
      text.add(`${name}_count${shown} ${valueText(one.count ?? 0)}`);
    }
  }
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
