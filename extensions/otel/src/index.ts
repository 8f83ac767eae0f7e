/**
 * `@plinth/otel`: a plugin's own spans and metrics. It imports nothing of OpenTelemetry. The
 * application records them with `otel()` of `@plinth/otel/host`.
 *
 * @module
 */
export { type Attributes, Telemetry, type Value } from './contract.js';
export type { TelemetryContext } from './reporter.js';
export {
  type OwnCounter,
  type OwnHistogram,
  type OwnSpan,
  type PluginTelemetry,
  type SpanOptions,
  telemetry,
} from './telemetry.js';
