/** `ctx.metrics`. */

/** What a measurement is about, like `{ region: 'eu' }`. At most eight. */
export type MetricLabels = Readonly<Record<string, string | number | boolean>>;

/**
 * Measurements under the plugin's name, for the application's reports and exporters. They are added
 * up for a tenth of a second and sent together. A name has a letter, then letters, digits, `_`,
 * `.`, `/` and `-`, and belongs to one kind of metric.
 */
export interface PluginMetrics {
  /**
   * Counts up. `add` throws PluginValidationError `value/invalid` for a number below 0, and for
   * labels of another kind. A name of another form is refused by the kernel, with a warning in the
   * log.
   *
   * @example ctx.metrics.counter('imports').add(1, { format: 'csv' });
   */
  counter(name: string): { add(by?: number, labels?: MetricLabels): void };
  /** A value that goes up and down. */
  gauge(name: string): { set(value: number, labels?: MetricLabels): void };
  /** A distribution of values from 0 on. */
  histogram(name: string): { record(value: number, labels?: MetricLabels): void };
}
