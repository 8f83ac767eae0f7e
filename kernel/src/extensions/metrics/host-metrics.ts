/** What the application calls of metrics. */
import type {
  Counter,
  Distribution,
  Gauge,
  InstrumentData,
  InstrumentOptions,
} from './instruments.js';
import type { PluginProfile, ProfileOptions } from './profile.js';
import type { CallerCount } from './recorder.js';
import type { ReportQuery, TelemetryReport } from './report-data.js';
import type { PluginUsage, TenantUsage } from './usage-data.js';

/** Metrics of the application, and what is known of all. `kernel.metrics`. */
export interface HostInstruments {
  /**
   * A counter of the application. The same name answers the same counter.
   *
   * @throws PluginValidationError `value/invalid` for a name of another form or of another kind of
   * metric.
   * @example kernel.metrics.counter('orders', { unit: '{order}' }).add(1, { country: 'de' });
   */
  counter(name: string, options?: InstrumentOptions): Counter;
  /** A value that goes up and down. @throws PluginValidationError `value/invalid`. */
  gauge(name: string, options?: InstrumentOptions): Gauge;
  /** A distribution of values. @throws PluginValidationError `value/invalid`. */
  histogram(name: string, options?: InstrumentOptions): Distribution;
  /** Metrics of the application and of plugins (`ctx.metrics`). */
  series(): readonly InstrumentData[];
  /**
   * Everything that is counted, in the text format of Prometheus.
   *
   * @example
   * response.setHeader('content-type', 'text/plain; version=0.0.4');
   * response.end(await kernel.metrics.prometheus());
   */
  prometheus(): Promise<string>;
  /** Who has called a plugin since the kernel was made, the most frequent first. */
  callersOf(plugin: string): readonly CallerCount[];
}

/** What plugins use. Part of `kernel.plugins`. */
export interface HostUsage {
  /**
   * What a plugin uses now, against its limits. What the runtime doesn't tell is named in
   * `unknown`, with the reason.
   *
   * @throws PluginUnavailableError `plugin/not-found`.
   */
  usage(id: string): Promise<PluginUsage>;
  /** The same of every plugin. */
  usage(): Promise<readonly PluginUsage[]>;
  /**
   * Records where a plugin spends its time. In Node, for plugins in workers.
   *
   * @throws PluginUnavailableError `plugin/not-found`, `profile/unavailable`; PluginValidationError
   * `call/invalid-option`.
   * @example
   * const { top, profile } = await kernel.plugins.profile('com.example.notes', { seconds: 2 });
   * await writeFile('notes.cpuprofile', JSON.stringify(profile));
   */
  profile(id: string, options?: ProfileOptions): Promise<PluginProfile>;
}

/** `kernel.report()`. */
export interface Report {
  /**
   * What happened in a stretch of time: calls, errors, response times, resources, availability and
   * dependencies of each plugin. It survives a restart where the kernel has a storage.
   *
   * @throws PluginValidationError `call/invalid-option`.
   * @example console.log(await kernel.report({ from: Date.now() - 3_600_000, format: 'text' }));
   */
  (query: ReportQuery & { readonly format: 'csv' | 'text' }): Promise<string>;
  (query?: ReportQuery & { readonly format?: 'data' }): Promise<TelemetryReport>;
}

/** The API of the extension. */
export interface HostMetrics extends HostInstruments, HostUsage {
  /** What all plugins of the tenant use together now, against the limits of the tenant. */
  together(): Promise<TenantUsage>;
  readonly report: Report;
}
