/** Spans of what happens to plugins: starts with their phases, stops, crashes; and counts of it. */
import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ExtensionPort, PluginView, Registered } from '@plinth/kernel/extension';
import type { CounterName } from './instruments.js';
import type { SeriesKey } from './series.js';
import { within } from './traceparent.js';
import type { CallParts } from './watched.js';

/** The powers that this uses. */
export type LifecyclePort = Pick<
  ExtensionPort<{ readonly name: 'otel'; readonly uses: readonly ['events', 'transition'] }>,
  'events' | 'plugins' | 'transition'
>;

interface Marks {
  began?: number;
  stopping?: number;
}

type Phase = readonly [name: string, from: number, to: number];

interface Fact {
  readonly id: string;
  readonly version?: string | undefined;
}

/** Plugins whose start is in progress, and listeners whose drops are known. */
const MOST_KEPT = 10_000;

/** Follows the plugins of one tenant. Answers what ends that. */
export function watchLifecycle(port: LifecyclePort, parts: CallParts): readonly Registered[] {
  const lifecycle = new Lifecycle(parts);
  const before = (mark: 'began' | 'stopping') => ({
    before: (plugin: PluginView) => lifecycle.mark(plugin, mark),
  });
  return [
    port.transition('load', before('began')),
    port.transition('deactivate', before('stopping')),
    port.events.on('plugin:activated', (fact) =>
      lifecycle.started(fact, fact, port.plugins.get(fact.id, fact.version)?.phases),
    ),
    port.events.on('plugin:failed', (fact) => {
      lifecycle.failed(fact, fact);
      lifecycle.count('failures', { plugin: fact.id, detail: fact.code });
    }),
    port.events.on('plugin:crashed', (fact) => {
      lifecycle.crashed(fact, fact);
      lifecycle.count('crashes', { plugin: fact.id, detail: fact.code });
    }),
    port.events.on('plugin:deactivated', (fact) => lifecycle.stopped(fact, fact.reason)),
    port.events.on('plugin:restarted', ({ id }) => lifecycle.count('restarts', { plugin: id })),
    port.events.on('plugin:quarantined', ({ id }) =>
      lifecycle.count('quarantines', { plugin: id }),
    ),
    port.events.on('plugin:long-task', ({ id, kind }) =>
      lifecycle.count('longTasks', { plugin: id, detail: kind }),
    ),
    port.events.on('permission:denied', ({ plugin }) => lifecycle.count('denials', { plugin })),
    port.events.on('resource:limited', ({ plugin, resource, step }) =>
      lifecycle.count('limits', { plugin, member: resource, detail: step }),
    ),
    port.events.on('event:dropped', ({ plugin, pattern, dropped }) =>
      lifecycle.dropped(plugin, pattern, dropped),
    ),
  ];
}

/** Owns the marks of starts and stops in progress. */
class Lifecycle {
  readonly #parts: CallParts;
  readonly #marks = new Map<string, Marks>();
  /** Events that each listener has missed so far. */
  readonly #drops = new Map<string, number>();

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  mark({ id, version }: Fact, name: keyof Marks): void {
    const key = `${id}@${version}`;
    const marks = this.#marks.get(key) ?? {};
    marks[name] = performance.now();
    if (this.#marks.size < MOST_KEPT) this.#marks.set(key, marks);
  }

  count(name: CounterName, key: Omit<SeriesKey, 'tenant'>, by = 1): void {
    const { tenant, faults, instruments } = this.#parts;
    const counter = instruments?.counters[name];
    if (counter === undefined) return;
    faults.contain(() => counter.instrument.add(by, counter.series.of({ tenant, ...key })));
  }

  /** The number of an announcement counts from the listener's beginning. */
  dropped(plugin: string, pattern: string, dropped: number): void {
    const key = `${plugin}\0${pattern}`;
    const before = this.#drops.get(key) ?? 0;
    if (this.#drops.size < MOST_KEPT || this.#drops.has(key)) this.#drops.set(key, dropped);
    this.count('dropped', { plugin }, dropped < before ? dropped : dropped - before);
  }

  /** Phases follow one another. They are placed from the beginning of the start on. */
  started(
    fact: Fact,
    { took, activatedBy }: { took: number; activatedBy: string },
    phases: PluginView['phases'] = {},
  ): void {
    const now = performance.now();
    this.#take(fact);
    let at = now - took;
    const placed = Object.entries(phases).map(([phase, took]): Phase => {
      at += took;
      return [phase, at - took, at];
    });
    const name = activatedBy === 'reload' ? 'plugin.reload' : 'plugin.start';
    const attributes = { ...this.#facts(fact), 'plugin.activated_by': activatedBy };
    this.#span(name, now - took, now, attributes, undefined, placed);
    const { tenant, faults, instruments } = this.#parts;
    if (instruments === undefined) return;
    const { instrument, series } = instruments.starts;
    for (const [phase, took] of Object.entries(phases))
      faults.contain(() =>
        instrument.record(took / 1_000, series.of({ tenant, plugin: fact.id, member: phase })),
      );
  }

  failed(fact: Fact, { stage, code }: { stage: string; code: string }): void {
    const now = performance.now();
    const { began = now } = this.#take(fact);
    this.#span('plugin.start', began, now, { ...this.#facts(fact), 'plugin.phase': stage }, code);
  }

  crashed(fact: Fact, { code }: { code: string }): void {
    const now = performance.now();
    this.#span('plugin.crash', now, now, this.#facts(fact), code);
  }

  stopped(fact: Fact, reason: string): void {
    const now = performance.now();
    const { stopping = now } = this.#take(fact);
    const attributes = { ...this.#facts(fact), 'plugin.stop.reason': reason };
    this.#span('plugin.stop', stopping, now, attributes, undefined);
  }

  /** What happens to plugins is told when it is over, so that its span is made then. */
  #span(
    name: string,
    from: number,
    to: number,
    attributes: Attributes,
    error: string | undefined,
    phases: readonly Phase[] = [],
  ): void {
    const { tracer, faults } = this.#parts;
    if (tracer === undefined) return;
    // The clock of a span counts from 1970.
    const epoch = Date.now() - performance.now();
    faults.contain(() => {
      const at = (time: number) => epoch + time;
      const root = within(undefined);
      const span: Span = tracer.startSpan(name, { attributes, startTime: at(from) }, root);
      for (const [phase, start, end] of phases)
        tracer
          .startSpan(
            `plugin.${phase}`,
            { attributes, startTime: at(start) },
            trace.setSpan(root, span),
          )
          .end(at(end));
      if (error !== undefined) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      }
      span.end(at(to));
    });
  }

  #facts({ id, version }: Fact): Attributes {
    return {
      'plugin.tenant': this.#parts.tenant,
      'plugin.id': id,
      ...(version !== undefined && { 'plugin.version': version }),
    };
  }

  #take({ id, version }: Fact): Marks {
    const key = `${id}@${version}`;
    const marks = this.#marks.get(key) ?? {};
    this.#marks.delete(key);
    return marks;
  }
}
