/** The last traces, each with its spans. */
import type { Span } from '../kernel/trace.ts';
import { Changes } from './store.ts';

const MAX_TRACES = 200;
const MAX_SPANS = 200;

/** Calls that belong together. */
export interface Trace {
  readonly id: string;
  readonly spans: ReadonlyMap<string, Span>;
  /** Spans beyond those that are kept. */
  readonly more: number;
}

/** A span with its place in the waterfall. */
export interface WaterfallRow {
  readonly span: Span;
  readonly depth: number;
  /** Shares of the whole trace, 0 to 1. */
  readonly from: number;
  readonly width: number;
}

/** Collects spans into traces. Events that belong to no call are no trace of their own. */
export class Traces {
  readonly changes = new Changes();
  readonly #traces = new Map<string, { id: string; spans: Map<string, Span>; more: number }>();

  add(span: Span): void {
    let trace = this.#traces.get(span.trace);
    if (trace === undefined) {
      if (span.kind === 'event' || span.took !== undefined) return;
      trace = { id: span.trace, spans: new Map(), more: 0 };
      this.#traces.set(span.trace, trace);
      if (this.#traces.size > MAX_TRACES)
        this.#traces.delete(this.#traces.keys().next().value as string);
    }
    if (trace.spans.has(span.id) || trace.spans.size < MAX_SPANS) trace.spans.set(span.id, span);
    else if (span.took === undefined) trace.more += 1;
    this.changes.announce();
  }

  get(id: string): Trace | undefined {
    return this.#traces.get(id);
  }

  /** Newest first. */
  list(): readonly Trace[] {
    return [...this.#traces.values()].reverse();
  }

  clear(): void {
    this.#traces.clear();
    this.changes.announce();
  }
}

/** The first span of a trace. */
export function rootOf({ spans }: Trace): Span | undefined {
  return spans.values().next().value;
}

/** The spans as a tree in the order of their starts, each on the scale of the whole. */
export function waterfall({ spans }: Trace, now: number): readonly WaterfallRow[] {
  const all = [...spans.values()];
  const start = Math.min(...all.map(({ started }) => started));
  const end = Math.max(
    ...all.map(({ started, took }) => (took === undefined ? now : started + took)),
  );
  const whole = Math.max(end - start, 0.001);
  const rows: WaterfallRow[] = [];
  const visit = (span: Span, depth: number) => {
    const { started, took = Math.max(now - started, 0) } = span;
    rows.push({ span, depth, from: (started - start) / whole, width: took / whole });
    for (const child of all) if (child.parent === span.id) visit(child, depth + 1);
  };
  for (const span of all) if (span.parent === undefined || !spans.has(span.parent)) visit(span, 0);
  return rows;
}
