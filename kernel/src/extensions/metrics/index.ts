/**
 * `@plinth/kernel/metrics`: metrics, reports over time, and what each plugin uses.
 *
 * @module
 */
import { DEFAULT_TENANT } from '@plinth/sdk/contract';
import { makeExtension } from '../../extension/make-extension.js';
import { BytesCount } from './bytes.js';
import type { HostMetrics, Report } from './host-metrics.js';
import { Instruments } from './instruments.js';
import type { MetricsOptions } from './metrics-options.js';
import type { ReportQuery } from './report-data.js';
import type { Telemetry } from './telemetry.js';
import type { TenantUsage } from './usage-data.js';

export type { HostInstruments, HostMetrics, HostUsage, Report } from './host-metrics.js';
export type {
  Counter,
  Distribution,
  Gauge,
  InstrumentData,
  InstrumentKind,
  InstrumentOptions,
  Labels,
} from './instruments.js';
export type { MetricsOptions } from './metrics-options.js';
export type { PluginProfile, ProfiledFunction, ProfileOptions } from './profile.js';
export type { CallerCount } from './recorder.js';
export type {
  AvailabilityReport,
  CallReport,
  DependencyState,
  FeatureReport,
  Measure,
  PluginReport,
  ReportQuery,
  ResourceReport,
  ResponseTimes,
  TelemetryReport,
} from './report-data.js';
export type { Level } from './ring.js';
export type { Amount, PluginUsage, TenantUsage } from './usage-data.js';

/**
 * Keeps metrics of each tenant: of calls, of resources, of the application and of plugins. They are
 * written to the kernel's storage slot by slot, so that reports go back beyond a restart.
 *
 * @example
 * const kernel = await createKernel({ extensions: [metrics()] });
 * await kernel.start();
 * console.log(await kernel.extension(metrics).report({ format: 'text' }));
 */
export const metrics = makeExtension(
  { name: 'metrics', uses: ['core', 'documents', 'launch'] },
  (options: MetricsOptions = {}) => {
    const tenants = new Map<string, Telemetry>();
    return {
      install({ core, documents, launch, tenant }): HostMetrics {
        const { log } = core.base.reporting;
        const instruments = new Instruments((source, what) =>
          log.write('kernel', 'warn', what, {
            ...(source !== 'host' && { plugin: source }),
          }),
        );
        const bytes = options.bytes === true ? new BytesCount() : undefined;
        if (bytes !== undefined)
          launch(async ({ plugin }, next) => bytes.watch(plugin.key, await next()));
        const made = core.add(async () => {
          const [{ Telemetry }, { checkMetrics }] = await Promise.all([
            import('./telemetry.js'),
            import('./metrics-options.js'),
          ]);
          checkMetrics(options);
          return (whole) => {
            const telemetry = new Telemetry({
              core: whole,
              options,
              instruments,
              open: (spec) => documents.open(spec),
              bytes: (key) => bytes?.of(key),
              other: (id) => (tenant === DEFAULT_TENANT ? tenants.get(id) : undefined),
              ended: () => tenants.delete(tenant),
            });
            tenants.set(tenant, telemetry);
            return telemetry;
          };
        });
        return {
          counter: (name, of) => instruments.counter('host', name, of),
          gauge: (name, of) => instruments.gauge('host', name, of),
          histogram: (name, of) => instruments.histogram('host', name, of),
          series: () => instruments.data(),
          prometheus: async () => (await made()).prometheus(),
          callersOf: (plugin) => tenants.get(tenant)?.recorder.callersOf(plugin) ?? [],
          usage: (async (id?: string) =>
            id === undefined
              ? (await made()).usages()
              : (await made()).usage(id)) as HostMetrics['usage'],
          together: () => together(made()),
          profile: async (id, of = {}) => {
            const [{ profileOf }, telemetry] = await Promise.all([import('./profile.js'), made()]);
            return profileOf(telemetry.recordOf(id), of);
          },
          report: (async (asked: ReportQuery | null = {}) => {
            const { format, ...query } = asked ?? {};
            const telemetry = await made();
            return format === 'text' || format === 'csv'
              ? telemetry.text(query, format)
              : telemetry.report({ ...query, ...(format !== undefined && { format }) });
          }) as Report,
        };
      },
    };
  },
);

async function together(made: Promise<Telemetry>): Promise<TenantUsage> {
  const [{ tenantUsageOf }, telemetry] = await Promise.all([import('./tenant-usage.js'), made]);
  return tenantUsageOf(telemetry.core, await telemetry.usages());
}
