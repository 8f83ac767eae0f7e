/** Exporters of the SDK, as services use them: Prometheus and OTLP over HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { nodeHost } from '@plinth/host-node';
import { otel } from '@plinth/otel/host';
import { afterEach, expect, it } from 'vitest';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { parentOf, traceparentOf, tracing } from './sdk.ts';

const echo = pluginOf(
  'test.echo',
  "ctx.commands.handle('say', (value) => value); ctx.commands.handle('back', (value, call) => ctx.commands.execute('host:answer', value, call));",
  { permissions: { commands: { execute: ['host:*'] } } },
);
const setting = { isolation: 'worker', createHost: nodeHost } as const;

const servers = new Set<Server>();
afterEach(() => {
  context.disable();
  propagation.disable();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
});

/** Keeps what is sent to it, by path. */
async function receiver(answer = true) {
  const bodies = new Map<string, string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      bodies.set(request.url ?? '', (bodies.get(request.url ?? '') ?? '') + body);
      if (answer) response.end('{}');
    });
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, bodies };
}

it('Prometheus shows the metrics by their names', async () => {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const kernel = await startKernel(setting, [echo], {
    extensions: [otel({ meter: provider.getMeter('test') })],
  });
  await kernel.commands.execute('test.echo:say', 1);
  const server = createServer((request, response) =>
    exporter.getMetricsRequestHandler(request, response),
  );
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const labels = 'plugin_tenant="tenant-0",plugin_id="test.echo"';
  expect(text).toMatch(
    new RegExp(
      `^plugin_command_duration_count\\{${labels},plugin_command="test.echo:say"[^}]*\\} 1$`,
      'm',
    ),
  );
  expect(text).toContain(`plugin_command="test.echo:say",otel_scope_name="test",le="0.001"`);
  expect(text).toMatch(/^plugin_active\{plugin_tenant="tenant-0"[^}]*\} 1$/m);
  expect(text).toMatch(new RegExp(`^plugin_memory_usage\\{${labels}[^}]*\\} \\d+$`, 'm'));
  expect(text).toMatch(new RegExp(`^plugin_cpu_time_total\\{${labels}[^}]*\\} `, 'm'));
  await provider.shutdown();
});

it('OTLP over HTTP takes spans and metrics', async () => {
  const { url, bodies } = await receiver();
  const traces = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
  });
  const metrics = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });
  const kernel = await startKernel(setting, [echo], {
    extensions: [otel({ tracer: traces.getTracer('test'), meter: metrics.getMeter('test') })],
  });
  await kernel.commands.execute('test.echo:say', 1);
  await traces.forceFlush();
  await metrics.forceFlush();
  expect(bodies.get('/v1/traces')).toContain('"name":"test.echo:say"');
  expect(bodies.get('/v1/traces')).toContain('"name":"plugin.start"');
  expect(bodies.get('/v1/metrics')).toContain('"name":"plugin.command.duration"');
  await Promise.all([traces.shutdown(), metrics.shutdown()]);
});

it('a receiver that takes no answer, or is down, leaves calls alone', async () => {
  const { url } = await receiver(false);
  const exporters = [url, 'http://127.0.0.1:1'].map(
    (base) => new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis: 200 }),
  );
  const provider = new BasicTracerProvider({
    spanProcessors: exporters.map(
      (exporter) => new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1, maxQueueSize: 64 }),
    ),
  });
  const kernel = await startKernel(setting, [echo], {
    extensions: [otel({ tracer: provider.getTracer('test') })],
  });
  for (let n = 0; n < 500; n++) expect(await kernel.commands.execute('test.echo:say', n)).toBe(n);
  await kernel.stop({ drain: 0 });
  await provider.shutdown().catch(() => {});
});

it("a handler of the host is inside of its call's span, and its baggage can be taken over", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const { tracer, span } = tracing();
  const kernel = await startKernel(setting, [echo], { extensions: [otel({ tracer })] });
  const { active, inside } = kernel.extension(otel);
  kernel.commands.handle('answer', async (_, call) => {
    await null;
    // As the instrumentation of a database would.
    tracer.startSpan('query').end();
    return inside(call, () => active());
  });
  const outer = trace.setSpan(context.active(), tracer.startSpan('request'));
  const carried = await context.with(outer, () =>
    kernel.commands.execute('test.echo:back', 1, { baggage: { plan: 'gold' } }),
  );
  trace.getSpan(outer)?.end();
  const [request, back, answer, query] = await Promise.all(
    ['request', 'test.echo:back', 'host:answer', 'query'].map(span),
  );
  if (!request || !back || !answer || !query) throw new Error('no spans');
  expect([back, answer, query].map(parentOf)).toEqual(
    [request, back, answer].map((one) => one.spanContext().spanId),
  );
  expect(carried).toEqual({
    traceparent: traceparentOf(answer.spanContext()),
    baggage: { plan: 'gold' },
  });
  // Options of a call, from what is active.
  const baggage = propagation.createBaggage({ plan: { value: 'silver' } });
  const options = context.with(propagation.setBaggage(outer, baggage), active);
  expect(options).toEqual({
    traceparent: traceparentOf(request.spanContext()),
    baggage: { plan: 'silver' },
  });
});

it("a handler of the host is not inside of the span in which its caller's guest was started", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const { tracer } = tracing();
  const lazy = {
    ...echo,
    manifest: { ...echo.manifest, activation: ['command:test.echo:back'] },
  } as typeof echo;
  const kernel = await startKernel(setting, [lazy], { extensions: [otel({ tracer, sample: 0 })] });
  kernel.commands.handle('answer', () => trace.getSpanContext(context.active())?.spanId ?? 'none');
  const old = trace.setSpan(context.active(), tracer.startSpan('old request'));
  await context.with(old, () => kernel.commands.execute('test.echo:back'));
  expect(await kernel.commands.execute('test.echo:back')).toBe('none');
});
