/** A report as text for people, and as CSV for spreadsheets. */
import type { CallReport, PluginReport, TelemetryReport } from './report-data.js';

const share = (value: number): string => `${(value * 100).toFixed(2)} %`;
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const mb = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** Writes a report as lines of text. */
export function reportText(report: TelemetryReport): string {
  const { tenant, from, to, total, plugins } = report;
  return [
    `tenant ${tenant}, ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`,
    `all: ${callsText(total)}`,
    ...plugins.flatMap(pluginLines),
  ].join('\n');
}

function callsText({ calls, errorRate, throughput, responseTime, errors }: CallReport): string {
  if (responseTime === undefined) return 'no calls';
  const { p50, p95, p99, max } = responseTime;
  const codes = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
  return [
    `${calls} calls, ${throughput.toFixed(2)}/s`,
    `p50 ${ms(p50)} ms, p95 ${ms(p95)} ms, p99 ${ms(p99)} ms, max ${ms(max)} ms`,
    `errors ${share(errorRate)}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}`,
  ].join('; ');
}

function pluginLines(report: PluginReport): readonly string[] {
  const { plugin, features, resources, availability, dependencies } = report;
  const { memory, cpu, disk, unknown } = resources;
  const measured = [
    memory && `memory ${mb(memory.mean)}, at most ${mb(memory.max)}`,
    cpu !== undefined && `CPU ${share(cpu)} of a core`,
    disk !== undefined && `disk ${mb(disk)}`,
    unknown.length > 0 && `unknown here: ${unknown.join(', ')}`,
  ].filter(Boolean);
  const there = [
    availability.state ?? 'not installed',
    availability.share !== undefined && `available ${share(availability.share)}`,
    availability.crashes > 0 && `${availability.crashes} crashes`,
    availability.restarts > 0 && `${availability.restarts} restarts`,
  ].filter(Boolean);
  const isHost = plugin === 'host';
  return [
    '',
    `${plugin}: ${isHost ? '' : `${there.join(', ')}; `}${callsText(report)}`,
    ...(measured.length > 0 ? [`  ${measured.join('; ')}`] : []),
    ...(dependencies.length > 0
      ? [`  depends on ${dependencies.map(({ id, state }) => `${id} (${state})`).join(', ')}`]
      : []),
    ...features.map((feature) => `  ${feature.kind} ${feature.feature}: ${callsText(feature)}`),
  ];
}

const COLUMNS = [
  'plugin',
  'kind',
  'feature',
  'calls',
  'failures',
  'error_rate',
  'calls_per_second',
  'mean_ms',
  'p50_ms',
  'p95_ms',
  'p99_ms',
  'max_ms',
  'memory_mean_bytes',
  'memory_max_bytes',
  'cpu_share',
  'disk_bytes',
  'availability',
  'crashes',
  'restarts',
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>;

/** Writes a report as CSV: a line for each plugin, then one for each of its features. */
export function reportCsv({ plugins }: TelemetryReport): string {
  const rows = plugins.flatMap((report): readonly Row[] => {
    const { plugin, resources, availability, features } = report;
    const { memory, cpu, disk } = resources;
    return [
      {
        plugin,
        kind: 'plugin',
        ...cellsOf(report),
        ...(memory && { memory_mean_bytes: memory.mean, memory_max_bytes: memory.max }),
        ...(cpu !== undefined && { cpu_share: cpu }),
        ...(disk !== undefined && { disk_bytes: disk }),
        ...(availability.share !== undefined && { availability: availability.share }),
        crashes: availability.crashes,
        restarts: availability.restarts,
      },
      ...features.map((one) => ({ plugin, kind: one.kind, feature: one.feature, ...cellsOf(one) })),
    ];
  });
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\r\n')}\r\n`;
}

function cellsOf({ calls, failures, errorRate, throughput, responseTime }: CallReport): Row {
  return {
    calls,
    failures,
    error_rate: errorRate,
    calls_per_second: throughput,
    ...(responseTime && {
      mean_ms: responseTime.mean,
      p50_ms: responseTime.p50,
      p95_ms: responseTime.p95,
      p99_ms: responseTime.p99,
      max_ms: responseTime.max,
    }),
  };
}

/** One cell. A text that a spreadsheet would take for a formula is quoted as text. */
function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
