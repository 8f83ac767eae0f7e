/** W3C trace context: how the kernel carries a span from caller to handler. */
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads a `traceparent`. Undefined for anything that is none of version 00. */
export function readTraceparent(
  text: string | undefined,
  remote: boolean,
): SpanContext | undefined {
  if (text === undefined || text.length !== 55) return undefined;
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  const read = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: remote };
  return isSpanContextValid(read) ? read : undefined;
}

/** Writes the `traceparent` of a span. Undefined for a span that is none. */
export function writeTraceparent(of: SpanContext): string | undefined {
  const { traceId, spanId, traceFlags } = of;
  if (traceId.length !== 32 || !isSpanContextValid(of)) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags & 1 ? '01' : '00'}`;
}

/** The context in which a span with this parent is started. */
export const within = (parent: SpanContext | undefined): Context =>
  parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
