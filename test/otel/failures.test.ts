/** An SDK that is absent, late, slow or broken: calls go on as without it. */
import { type Meter, metrics, type Tracer, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { LogEntry } from '@plinth/kernel';
import { otel } from '@plinth/otel/host';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { metering, tracing } from './sdk.ts';

const echo = pluginOf(
  'test.echo',
  "ctx.commands.handle('say', (value, call) => call.traceparent ?? value);",
);
const start = (options: Parameters<typeof otel>[0], log?: (entry: LogEntry) => void) =>
  startKernel({ isolation: 'worker', createHost }, [echo], {
    extensions: [otel(options)],
    ...(log && { telemetry: { log } }),
  });

afterEach(() => {
  trace.disable();
  metrics.disable();
});

const broken = () => {
  throw new Error('out of order');
};

describe(`${runtime}: an SDK`, () => {
  it('that is not registered leaves calls as they are', async () => {
    const kernel = await start({});
    expect(kernel.extension(otel).recording).toEqual({ traces: false, metrics: false });
    // A call with a trace would have been given one.
    expect(await kernel.commands.execute('test.echo:say', 'plain')).toBe('plain');
    expect(kernel.metrics.snapshot().middlewareRuns).toBe(0);
  });

  it('that is registered before the start is found', async () => {
    const { provider, span } = tracing();
    const metered = metering();
    trace.setGlobalTracerProvider(provider);
    metrics.setGlobalMeterProvider(metered.provider);
    const kernel = await start({});
    expect(kernel.extension(otel).recording).toEqual({ traces: true, metrics: true });
    await kernel.commands.execute('test.echo:say');
    await span('test.echo:say');
    expect(await metered.points('plugin.command.duration')).toHaveLength(1);
  });

  it('that comes late is found when it is looked for, and gone when it is shut down', async () => {
    const { provider, span } = tracing();
    const kernel = await start({});
    trace.setGlobalTracerProvider(provider);
    expect(await kernel.commands.execute('test.echo:say', 'plain')).toBe('plain');
    await kernel.extension(otel).refresh();
    expect(await kernel.commands.execute('test.echo:say')).toMatch(/^00-/);
    await span('test.echo:say');
    trace.disable();
    await kernel.extension(otel).refresh();
    expect(await kernel.commands.execute('test.echo:say', 'plain')).toBe('plain');
  });

  it('can be left out in part', async () => {
    trace.setGlobalTracerProvider(tracing().provider);
    const kernel = await start({ tracer: false, meter: metering().meter });
    expect(kernel.extension(otel).recording).toEqual({ traces: false, metrics: true });
    expect(await kernel.commands.execute('test.echo:say', 'plain')).toBe('plain');
  });

  it('that throws fails no call, is told once, and rests', async () => {
    const lines: LogEntry[] = [];
    let asked = 0;
    const tracer = {
      startSpan() {
        asked += 1;
        return broken();
      },
      startActiveSpan: broken,
    } as Tracer;
    const kernel = await start({ tracer }, (entry) => void lines.push(entry));
    asked = 0;
    for (let n = 1; n <= 100; n++)
      expect(await kernel.commands.execute('test.echo:say', n)).toBe(n);
    expect(asked).toBeLessThanOrEqual(32);
    const told = lines.filter(({ source }) => source === 'extension:otel');
    expect(told.map(({ message }) => message)).toEqual([
      'the OpenTelemetry SDK failed: out of order',
    ]);
  });

  it('whose spans or metrics throw later fails no call', async () => {
    const { meter } = metering();
    const tracer = {
      startSpan: () => ({
        spanContext: () => ({ traceId: 'x', spanId: 'y', traceFlags: 1 }),
        setAttribute: broken,
        setStatus: broken,
        end: broken,
      }),
    } as unknown as Tracer;
    const bad = new Proxy(meter, {
      get: (target, name) =>
        name === 'createHistogram'
          ? () => ({ record: broken })
          : (Reflect.get(target, name) as () => unknown).bind(target),
    }) as Meter;
    const kernel = await start({ tracer, meter: bad });
    for (let n = 1; n <= 20; n++) expect(await kernel.commands.execute('test.echo:say', n)).toBe(n);
  });

  it('whose meter makes no instruments is done without', async () => {
    const kernel = await start({ meter: { createHistogram: broken } as unknown as Meter });
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
  });

  it('is let go when the kernel stops', async () => {
    const { meter } = metering();
    const callbacks = new Set<unknown>();
    const watched = new Proxy(meter, {
      get(target, name: keyof Meter) {
        const real = (target[name] as (...values: unknown[]) => unknown).bind(target);
        return (...values: unknown[]) => {
          if (name === 'addBatchObservableCallback') callbacks.add(values[0]);
          if (name === 'removeBatchObservableCallback') callbacks.delete(values[0]);
          return real(...values);
        };
      },
    });
    const kernel = await start({ meter: watched });
    await kernel.tenant('acme').start();
    expect(callbacks.size).toBe(1);
    await kernel.stop();
    expect(callbacks.size).toBe(0);
  });

  it('whose exporter never answers does not hold calls, nor the stop', async () => {
    const exported = Promise.withResolvers<void>();
    const exporter: SpanExporter = {
      export: () => exported.resolve(),
      shutdown: () => new Promise(() => {}),
    };
    const provider = new BasicTracerProvider({
      spanProcessors: [
        new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1, maxExportBatchSize: 1 }),
      ],
    });
    const kernel = await start({ tracer: provider.getTracer('test') });
    await kernel.commands.execute('test.echo:say', 1);
    await exported.promise;
    for (let n = 0; n < 20; n++)
      expect(await kernel.commands.execute('test.echo:say', n)).toMatch(/^00-/);
    await kernel.stop({ drain: 0 });
  });
});

describe('the options of otel()', () => {
  it.each([
    [{ series: 0 }, 'series'],
    [{ series: 1.5 }, 'series'],
    [{ sample: 2 }, 'sample'],
    [{ durations: 0 }, 'durations'],
    [{ tracer: {} }, 'tracer'],
    [{ meter: 1 }, 'meter'],
    [{ metter: false }, 'metter'],
    [{ sample: '0.5' }, 'sample'],
    [{ durations: [2] }, 'durations'],
    [{ durations: null }, 'durations'],
  ])('are checked: %o', (options, option) => {
    expect(() => otel(options as never)).toThrow(
      expect.objectContaining({
        code: 'kernel/invalid-option',
        message: expect.stringContaining(`'${option}'`),
      }),
    );
  });
});
