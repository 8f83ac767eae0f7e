/** `telemetry(ctx)`: a plugin measures itself. */
import type { Attributes, Value } from './contract.js';
import { type OpenSpan, Reporter, type TelemetryContext } from './reporter.js';

/** A span in progress. */
export interface OwnSpan {
  /** Sets an attribute. At most 16 are kept; a text is cut after 256 characters. */
  set(name: string, value: Value): void;
  /** Runs work in a span inside of this one. */
  span<T>(name: string, work: (span: OwnSpan) => T): T;
}

/** What a span is about. */
export interface SpanOptions {
  /**
   * The call that the span belongs to: the second argument of a handler, or an event. Without it
   * the span begins a trace of its own.
   */
  readonly call?: { readonly traceparent?: string | undefined };
  readonly attributes?: Attributes;
}

/** Counts. */
export interface OwnCounter {
  /** @param by at least 0. */
  add(by?: number, attributes?: Attributes): void;
}

/** Collects values. */
export interface OwnHistogram {
  record(value: number, attributes?: Attributes): void;
}

/** A plugin's own spans and metrics. */
export interface PluginTelemetry {
  /**
   * Runs work in a span. The span ends when the work has ended: with the promise that it returns,
   * if it returns one. An error passes through, and its code is kept.
   */
  span<T>(name: string, work: (span: OwnSpan) => T, options?: SpanOptions): T;
  /**
   * A counter. The host names it `<plugin id>.<name>`.
   *
   * @param name letters, digits, `.`, `-` and `_`, at most 64 characters.
   * @param unit in UCUM, like `By` or `{order}`.
   */
  counter(name: string, unit?: string): OwnCounter;
  /** A histogram. The host names it `<plugin id>.<name>`. */
  histogram(name: string, unit?: string): OwnHistogram;
  /** Sends what has been measured. That happens once a second, and when the plugin stops. */
  flush(): Promise<void>;
}

/**
 * A plugin's own spans and metrics, next to those that the host makes of its calls.
 *
 * The manifest asks for `permissions.commands.execute: ["plinth.telemetry:*"]`. Where the
 * application records nothing, nothing is sent, and the plugin works as it does without.
 *
 * Nothing here throws or rejects. What exceeds the bounds is dropped: 64 spans inside one, 16
 * attributes, 256 values between two reports, and what the host takes of one plugin.
 *
 * @example
 * export default definePlugin({
 *   provides: [Shop],
 *   activate(ctx) {
 *     const { span, counter } = telemetry(ctx);
 *     const orders = counter('orders', '{order}');
 *     ctx.provide(Shop, {
 *       order: (items, call) =>
 *         span('price', (own) => {
 *           own.set('items', items.length);
 *           orders.add(1, { kind: 'book' });
 *           return priceOf(items);
 *         }, { call }),
 *     });
 *   },
 * });
 */
export function telemetry(ctx: TelemetryContext): PluginTelemetry {
  const reporter = new Reporter(ctx);
  ctx.defer(() => reporter.close());
  return {
    span: (name, work, { call, attributes } = {}) => {
      const spans: OpenSpan[] = [];
      return run(spans, undefined, name, work, attributes, () =>
        reporter.spans(spans, call?.traceparent),
      );
    },
    counter: (name, unit) => ({
      add: (by = 1, attributes) => reporter.count(name, unit, by, attributes),
    }),
    histogram: (name, unit) => ({
      record: (value, attributes) => reporter.value(name, unit, value, attributes),
    }),
    flush: () => reporter.flush(),
  };
}

/** Runs work in a span of a tree. */
function run<T>(
  spans: OpenSpan[],
  within: number | undefined,
  name: string,
  work: (span: OwnSpan) => T,
  attributes: Attributes | undefined,
  ended: () => void,
): T {
  const place = spans.length;
  const open: OpenSpan = {
    name: String(name),
    within,
    started: performance.now(),
    ended: undefined,
    attributes: { ...attributes },
    error: undefined,
  };
  spans.push(open);
  const over = (error?: unknown, failed = false): void => {
    open.ended = performance.now();
    if (failed) open.error = errorText(error);
    ended();
  };
  const own: OwnSpan = {
    set: (key, value) => {
      open.attributes[key] = value;
    },
    span: (inner, more) => run(spans, place, inner, more, undefined, () => {}),
  };
  let result: T;
  try {
    result = work(own);
  } catch (error) {
    over(error, true);
    throw error;
  }
  if (!isPromise(result)) {
    over();
    return result;
  }
  result.then(
    () => over(),
    (error) => over(error, true),
  );
  return result;
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';

function errorText(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'Error';
}
