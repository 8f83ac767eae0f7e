/**
 * The contract through which plugins report their own spans and metrics to the host, and its bounds.
 */
import { command, contract } from '@plinth/sdk';

/** Values of attributes. */
export type Value = string | number | boolean;

/** Attributes of a span or of a measured value, by name. */
export type Attributes = Readonly<Record<string, Value>>;

/** A span that has ended. */
export interface SpanReport {
  readonly name: string;
  /** The place of its parent in the report. */
  readonly within?: number;
  /** The trace context of the call that it belongs to, for a span without `within`. */
  readonly traceparent?: string;
  /** Milliseconds between its end and the report. */
  readonly ago: number;
  /** Milliseconds between its start and its end. */
  readonly took: number;
  readonly attributes?: Attributes;
  /** The code or name of the error that ended it. */
  readonly error?: string;
}

/** Values of one metric. */
export interface MetricReport {
  readonly kind: 'counter' | 'histogram';
  readonly name: string;
  readonly unit?: string;
  readonly points: readonly { readonly value: number; readonly attributes?: Attributes }[];
}

/** What a plugin reports at once. A span comes after its parent. */
export interface Report {
  readonly spans?: readonly SpanReport[];
  readonly metrics?: readonly MetricReport[];
}

/** The answer to a report. */
export interface Receipt {
  /** Spans and values that were not recorded because the plugin has reported too many. */
  readonly dropped: number;
  /** Milliseconds in which reports are of no use, as nothing records them. */
  readonly quiet: number;
}

/** The most that one report may have. A larger one is refused. */
export const MOST = Object.freeze({
  spans: 64,
  metrics: 32,
  /** Values of all metrics. */
  points: 256,
  attributes: 16,
  /** Characters of the name of a span, a metric or an attribute. */
  name: 64,
  /** Characters of a text. */
  text: 256,
});

/** How a metric or an attribute is named. */
export const NAME = /^[a-zA-Z][a-zA-Z0-9_.-]*$/;

/**
 * What the host answers. A plugin needs the right to `commands.execute` of `plinth.telemetry:*`.
 * `telemetry(ctx)` makes the reports.
 */
export const Telemetry = contract('plinth.telemetry@1', {
  record: command({}),
});

/** The owner part of the contract's commands. */
export const TELEMETRY = 'plinth.telemetry';
