/** OpenTelemetry: metrics for a reader that asks, and spans for a collector, if there is one. */
import { context, metrics, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

/** The telemetry of the process. */
export interface Telemetry {
  /** All metrics, as Prometheus reads them. */
  metrics(): Promise<string>;
  /** Answers a request inside of a span, and measures it. */
  request(facts: Facts, answer: () => Promise<Response>): Promise<Response>;
  /** Sends what waits, and ends. */
  stop(): Promise<void>;
}

/** What is told of a request. A path may hold what a user has typed, so it isn't. */
interface Facts {
  readonly method: string;
  /** The feature that answers. */
  readonly route: string;
  readonly tenant: string;
}

/** Registers an SDK. The kernel's extension `otel()` records into it. */
export function startTelemetry(tracesUrl: string | undefined): Telemetry {
  const resource = resourceFromAttributes({ 'service.name': 'plinth-example-node-service' });
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meters = new MeterProvider({ resource, readers: [reader] });
  metrics.setGlobalMeterProvider(meters);
  const traces = new BasicTracerProvider({
    resource,
    spanProcessors:
      tracesUrl === undefined
        ? []
        : [new BatchSpanProcessor(new OTLPTraceExporter({ url: tracesUrl }))],
  });
  if (tracesUrl !== undefined) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(traces);
  }
  const tracer = traces.getTracer('node-service');
  const duration = meters
    .getMeter('node-service')
    .createHistogram('http.server.request.duration', { unit: 's' });
  const serializer = new PrometheusSerializer();

  return {
    async metrics() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, 'a metric could not be read');
      return serializer.serialize(resourceMetrics);
    },
    request({ method, route, tenant }, answer) {
      const attributes = {
        'http.request.method': method,
        'http.route': route,
        'plugin.tenant': tenant,
      };
      const kind = SpanKind.SERVER;
      return tracer.startActiveSpan(`${method} ${route}`, { kind, attributes }, (span: Span) =>
        measured(span, async () => {
          const began = performance.now();
          const response = await answer();
          const { status } = response;
          span.setAttribute('http.response.status_code', status);
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          duration.record((performance.now() - began) / 1_000, {
            ...attributes,
            'http.response.status_code': status,
          });
          return response;
        }),
      );
    },
    async stop() {
      await Promise.all([traces.shutdown(), meters.shutdown()]);
      trace.disable();
      metrics.disable();
      context.disable();
    },
  };
}

async function measured(span: Span, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } finally {
    span.end();
  }
}
