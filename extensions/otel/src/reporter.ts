/** Collects what a plugin measures, keeps it within the bounds of a report, and sends it. */
import type { PluginContext } from '@plinth/sdk';
import {
  type Attributes,
  type MetricReport,
  MOST,
  NAME,
  type Receipt,
  type Report,
  type SpanReport,
  Telemetry,
  type Value,
} from './contract.js';

/** The parts of a plugin's context that this needs. */
export type TelemetryContext = Pick<PluginContext, 'commands' | 'defer' | 'logger' | 'own'>;

/** A span as it is measured. */
export interface OpenSpan {
  readonly name: string;
  readonly within: number | undefined;
  readonly started: number;
  ended: number | undefined;
  readonly attributes: Record<string, Value>;
  error: string | undefined;
}

interface Point {
  value: number;
  readonly attributes: Attributes | undefined;
}

interface Metric {
  readonly kind: MetricReport['kind'];
  readonly name: string;
  readonly unit: string | undefined;
  /** Sums of a counter by their attributes, values of a histogram by their number. */
  readonly points: Map<string, Point>;
}

/** Milliseconds between reports. */
const PERIOD = 1_000;
/** Milliseconds of silence after a report that could not be made. */
const AFTER_FAILURE = 10_000;
/** Reports that may be on their way. What is measured meanwhile is dropped. */
const ON_THE_WAY = 8;

/** Owns what one plugin has measured and not reported. */
export class Reporter {
  readonly #ctx: TelemetryContext;
  readonly #metrics = new Map<string, Metric>();
  #spans: SpanReport[] = [];
  #points = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending = 0;
  #quietUntil = 0;
  #told = false;
  #closed = false;

  constructor(ctx: TelemetryContext) {
    this.#ctx = ctx;
  }

  /** Takes a tree of spans whose root has ended. Spans that are still open end with it. */
  spans(open: readonly OpenSpan[], traceparent: string | undefined): void {
    if (this.#silent) return;
    const tree = open.slice(0, MOST.spans);
    if (this.#spans.length + tree.length > MOST.spans) void this.flush();
    const first = this.#spans.length;
    const now = performance.now();
    for (const { name, within, started, ended = now, attributes, error } of tree)
      this.#spans.push({
        name: name.slice(0, MOST.name) || 'span',
        ...(within !== undefined && { within: first + within }),
        ...(within === undefined && traceparent !== undefined && { traceparent }),
        // As of the clock's start. It becomes a time before the report when that is made.
        ago: ended,
        took: ended - started,
        attributes: bounded(attributes),
        ...(error !== undefined && { error: error.slice(0, MOST.name) }),
      });
    this.#wait();
  }

  count(name: string, unit: string | undefined, by: number, attributes?: Attributes): void {
    if (!(by >= 0)) return;
    const own = attributes && bounded(attributes);
    this.#add('counter', name, unit, JSON.stringify(own) ?? '', by, own);
  }

  value(name: string, unit: string | undefined, value: number, attributes?: Attributes): void {
    if (!Number.isFinite(value)) return;
    this.#add('histogram', name, unit, `${this.#points}`, value, attributes && bounded(attributes));
  }

  /** Never rejects: what can't be reported is dropped, and reports pause for a while. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = performance.now();
    const spans = this.#spans.map((span) => ({ ...span, ago: now - span.ago }));
    const metrics = [...this.#metrics.values()].map(
      ({ points, ...metric }): MetricReport => ({ ...metric, points: [...points.values()] }),
    );
    this.#spans = [];
    this.#metrics.clear();
    this.#points = 0;
    if (this.#silent || this.#sending >= ON_THE_WAY || spans.length + metrics.length === 0) return;
    await this.#send({ spans, metrics });
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
  }

  get #silent(): boolean {
    return this.#closed || performance.now() < this.#quietUntil;
  }

  #add(
    kind: MetricReport['kind'],
    name: string,
    unit: string | undefined,
    key: string,
    value: number,
    attributes: Attributes | undefined,
  ): void {
    if (this.#silent || name.length > MOST.name || !NAME.test(name)) return;
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      if (this.#metrics.size >= MOST.metrics) return;
      metric = { kind, name, unit: unit?.slice(0, MOST.name), points: new Map() };
      this.#metrics.set(name, metric);
    }
    if (metric.kind !== kind) return;
    const point = metric.points.get(key);
    if (point !== undefined) point.value += value;
    else if (this.#points < MOST.points) {
      this.#points += 1;
      metric.points.set(key, { value, attributes });
    }
    this.#wait();
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => void this.flush(), PERIOD);
  }

  async #send(report: Report): Promise<void> {
    this.#sending += 1;
    try {
      // For itself: its callers need no right to what the plugin measures of itself.
      const sent = this.#ctx.own((own) =>
        this.#ctx.commands.execute(Telemetry.record.id, report, own),
      );
      const { quiet } = (await sent) as Receipt;
      if (quiet > 0) this.#quietUntil = performance.now() + quiet;
    } catch (error) {
      this.#quietUntil = performance.now() + AFTER_FAILURE;
      const { code, message } = error as { readonly code?: unknown; readonly message?: string };
      // Without the extension there is nothing to say.
      if (!this.#told && code !== 'call/unknown-command')
        this.#ctx.logger.warn(`telemetry was not recorded: ${message}`);
      this.#told = true;
    } finally {
      this.#sending -= 1;
    }
  }
}

/** Attributes as a report takes them. */
function bounded(attributes: Attributes): Attributes {
  const kept: Record<string, Value> = {};
  let count = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (count >= MOST.attributes) break;
    if (name.length > MOST.name || !NAME.test(name)) continue;
    if (typeof value === 'string') kept[name] = value.slice(0, MOST.text);
    else if (typeof value === 'boolean' || Number.isFinite(value)) kept[name] = value;
    else continue;
    count += 1;
  }
  return kept;
}
