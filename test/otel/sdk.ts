/** The real SDK, with exporters that keep what they get. */
import type { SpanContext } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'vitest';

/** A tracer whose spans are kept. */
export function tracing(sampler?: Sampler) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  return {
    provider,
    tracer: provider.getTracer('test'),
    spans: () => exporter.getFinishedSpans(),
    /** The span of a name, as soon as it has ended. */
    async span(name: string): Promise<ReadableSpan> {
      const find = () => exporter.getFinishedSpans().find((span) => span.name === name);
      await expect.poll(find).toBeDefined();
      return find() as ReadableSpan;
    },
    reset: () => exporter.reset(),
  };
}

/** A meter whose values are read at once. */
export function metering() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const all = async () => {
    exporter.reset();
    await reader.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  };
  return {
    provider,
    meter: provider.getMeter('test'),
    /** All metrics as they are now. */
    all,
    /** The points of a metric as they are now. */
    async points(name: string): Promise<readonly DataPoint<number | Histogram>[]> {
      return (await all())
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints as DataPoint<number | Histogram>[]);
    },
  };
}

/** The W3C form of a span's context. */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext) =>
  `00-${traceId}-${spanId}-0${traceFlags}`;

/** The identity of a span's parent. */
export const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;
