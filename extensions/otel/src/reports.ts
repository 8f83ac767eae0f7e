/** Records what plugins report about themselves, each within its share. */
import { type Context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { CallFacts } from '@plinth/kernel/extension';
import type { Receipt, SpanReport } from './contract.js';
import { readReport } from './read-report.js';
import { readTraceparent, within } from './traceparent.js';
import type { CallParts } from './watched.js';

/** Spans and values of one plugin that are recorded at once, and then each second. */
const BURST = 2_000;
const A_SECOND = 500;
/** Plugins whose share is remembered. */
const MOST_PLUGINS = 1_000;

interface Share {
  left: number;
  at: number;
}

/** Owns the shares of the plugins of one tenant. */
export class Reports {
  readonly #parts: CallParts;
  readonly #shares = new Map<string, Share>();

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /** @throws PluginValidationError `call/invalid-input`. */
  take(value: unknown, { caller }: Pick<CallFacts, 'caller'>): Receipt {
    const { tenant, faults, tracer, instruments, shown } = this.#parts;
    const { spans, metrics } = shown(readReport(value, caller.id));
    const all = spans.length + metrics.reduce((sum, { points }) => sum + points.length, 0);
    if (!this.#spend(caller.id, all)) return { dropped: all, quiet: 0 };
    let dropped = 0;
    if (tracer !== undefined) faults.contain(() => this.#spans(spans, caller.id));
    for (const metric of metrics)
      dropped +=
        faults.contain(() => instruments?.own.record(tenant, caller.id, metric)) ??
        (instruments === undefined ? 0 : metric.points.length);
    return { dropped, quiet: 0 };
  }

  #spans(spans: readonly SpanReport[], plugin: string): void {
    const { tenant, tracer } = this.#parts;
    const now = Date.now();
    const open: Span[] = [];
    for (const { name, within: place, traceparent, ago, took, attributes, error } of spans) {
      const parent = place === undefined ? undefined : open[place];
      const around: Context =
        parent === undefined
          ? within(readTraceparent(traceparent, true))
          : trace.setSpan(within(undefined), parent);
      // The host says whose a span is.
      const whose = { 'plugin.tenant': tenant, 'plugin.id': plugin };
      const options = { startTime: now - ago - took, attributes: { ...attributes, ...whose } };
      const span = tracer?.startSpan(name, options, around) as Span;
      if (error !== undefined) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      }
      open.push(span);
    }
    for (const [index, { ago }] of spans.entries()) open[index]?.end(now - ago);
  }

  /** Takes a number off the plugin's share. Answers false when less is left. */
  #spend(plugin: string, cost: number): boolean {
    const now = performance.now();
    let share = this.#shares.get(plugin);
    if (share === undefined) {
      if (this.#shares.size >= MOST_PLUGINS) this.#shares.clear();
      share = { left: BURST, at: now };
      this.#shares.set(plugin, share);
    }
    share.left = Math.min(BURST, share.left + ((now - share.at) * A_SECOND) / 1_000);
    share.at = now;
    if (share.left < cost) return false;
    share.left -= cost;
    return true;
  }
}
