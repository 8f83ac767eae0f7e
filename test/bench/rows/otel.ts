/**
 * The cost that telemetry adds to calls of the host to a plugin in a worker, at 256 in flight.
 *
 * Measured: CPU time of a call in a kernel with `otel()`, compared with that in a kernel without it.
 * Without an SDK; with metrics alone; with metrics and a trace of one call in a hundred; with
 * metrics and a trace of each call. Spans go to a processor that drops them, and metrics to a reader
 * that is not asked, so that no exporter is measured.
 */
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createKernel, packageSource } from '@plinth/kernel';
import { type OtelOptions, otel } from '@plinth/otel/host';
import { type Answer, payload, plainEchoPackage } from '../guest-code.ts';
import { type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { everyRound } from '../statistics.ts';

const IN_FLIGHT = 256;
const WARM_UP = 100_000;
const SAMPLED = 0.01;

const drop: SpanProcessor = {
  onStart() {},
  onEnd() {},
  async forceFlush() {},
  async shutdown() {},
};

const tracerOf = () => new BasicTracerProvider({ spanProcessors: [drop] }).getTracer('bench');

function meterOf() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  return new MeterProvider({ readers: [reader] }).getMeter('bench');
}

export async function measureOtel({ platform, rounds, milliseconds }: Bench): Promise<Outcomes> {
  const start = async (options?: OtelOptions) => {
    const kernel = await createKernel({
      host: platform.createHost(),
      sources: [packageSource([plainEchoPackage('bench.echo')])],
      extensions: options === undefined ? [] : [otel(options)],
    });
    await kernel.start();
    const batch = async (first: number) => {
      const answers = (await Promise.all(
        Array.from({ length: IN_FLIGHT }, (_, index) =>
          kernel.commands.execute('bench.echo:run', payload(first + index)),
        ),
      )) as readonly Answer[];
      if (!answers.every(({ ok, n }, index) => ok && n === first + index))
        throw new Error(`one of the calls from ${first} on was answered wrongly`);
    };
    for (let made = 0; made < WARM_UP; made += IN_FLIGHT) await batch(made);
    const cost = async () => {
      let made = 0;
      const end = performance.now() + milliseconds;
      const started = platform.cpuTime();
      while (performance.now() < end) {
        await batch(made);
        made += IN_FLIGHT;
      }
      return (platform.cpuTime() - started) / made;
    };
    return { cost, stop: () => kernel.stop() };
  };
  const kernels = {
    none: await start(),
    absent: await start({}),
    metrics: await start({ tracer: false, meter: meterOf() }),
    sampled: await start({ tracer: tracerOf(), meter: meterOf(), sample: SAMPLED }),
    all: await start({ tracer: tracerOf(), meter: meterOf() }),
  };
  try {
    const { none, ...others } = await everyRound(rounds, {
      none: kernels.none.cost,
      absent: kernels.absent.cost,
      metrics: kernels.metrics.cost,
      sampled: kernels.sampled.cost,
      all: kernels.all.cost,
    });
    return Object.fromEntries(
      Object.entries(others).map(([name, costs]) => [
        name,
        ratioFigure(costs, none, (cost) => `${cost.toFixed(2)} µs`),
      ]),
    );
  } finally {
    for (const { stop } of Object.values(kernels)) await stop();
  }
}
