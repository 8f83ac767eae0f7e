/** Finds the tracer and the meter that record, if an SDK is registered. */
import { createNoopMeter, type Meter, metrics, type Tracer, trace } from '@opentelemetry/api';

/** The name of the instrumentation, as exporters show it. */
const SCOPE = '@plinth/otel';

/** What the application gives: false records nothing of the kind. */
export interface SdkOptions {
  /** Absent: the global tracer of `@opentelemetry/api`. */
  readonly tracer?: Tracer | false | undefined;
  /** Absent: the global meter of `@opentelemetry/api`. */
  readonly meter?: Meter | false | undefined;
}

/** What records. */
export interface Sdk {
  readonly tracer: Tracer | undefined;
  readonly meter: Meter | undefined;
}

/** Looks up what records now. A tracer or a meter that does nothing isn't answered. */
export function findSdk({ tracer, meter }: SdkOptions): Sdk {
  return {
    tracer: tracer === undefined ? globalTracer() : tracer || undefined,
    meter: meter === undefined ? globalMeter() : meter || undefined,
  };
}

function globalTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // The global provider stands for one that may be registered later. Until then it has none.
  if ('getDelegateTracer' in provider) return (provider as Delegating).getDelegateTracer(SCOPE);
  return provider.getTracer(SCOPE);
}

interface Delegating {
  getDelegateTracer(name: string): Tracer | undefined;
}

function globalMeter(): Meter | undefined {
  const meter = metrics.getMeter(SCOPE);
  return meter === createNoopMeter() ? undefined : meter;
}
