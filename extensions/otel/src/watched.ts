/** One command, hook or topic: a span for each of its calls, and their measures. */
import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { CallView, TargetView } from '@plinth/kernel/extension';
import type { Faults } from './faults.js';
import type { Instruments } from './instruments.js';
import type { Pace, Paced } from './pace.js';
import type { Tallies, Tally } from './series.js';
import { readTraceparent, within, writeTraceparent } from './traceparent.js';

/** What calls are recorded with. */
export interface CallParts {
  readonly tenant: string;
  readonly tracer: Tracer | undefined;
  readonly instruments: Instruments | undefined;
  readonly faults: Faults;
  /** The share of traces that are begun here. */
  readonly sample: number;
  /** How often the time of a call is recorded. */
  readonly pace: Pace;
  /** What a plugin has chosen, without secrets. */
  shown<T>(value: T): T;
}

/** Calls of one plugin that are in flight. */
export interface InFlight {
  calls: number;
}

/** Continues a call. */
export type Next = (input: unknown) => Promise<unknown>;

/** What the end of a call has to know. */
export interface Seen {
  readonly span: Span | undefined;
  /** Milliseconds of the monotonic clock. Absent for a call that is only counted. */
  readonly started: number | undefined;
}

/** A call that began while nothing was recorded. */
const UNSEEN: Seen = Object.freeze({ span: undefined, started: undefined });

const NAMES = { command: '', hook: 'hook ', event: 'publish ' };
const MEMBERS = { command: 'plugin.command', hook: 'plugin.hook', event: 'plugin.event' };

/**
 * Records the calls of one target. It never changes their outcome. It is on the path of each call,
 * so it has no private names.
 */
export class Watched {
  private readonly target: TargetView;
  private readonly parts: CallParts;
  private readonly inFlight: InFlight;
  /** What is exported of the target. A plugin chooses its id. */
  private readonly id: string;
  private readonly owner: string;
  private readonly name: string;
  private readonly kind: SpanKind;
  // Calls of one caller follow one another.
  private caller = '';
  private attributes: Attributes = {};
  private plugin = '';
  private good: Tally | undefined;
  /** Whether all calls have the provider of {@link good}. */
  private steady = false;
  private readonly timed: boolean;
  private readonly paced: Paced;

  constructor(target: TargetView, parts: CallParts, inFlight: InFlight) {
    this.target = target;
    this.parts = parts;
    this.inFlight = inFlight;
    this.id = parts.shown(target.id);
    this.owner = parts.shown(target.owner);
    this.name = NAMES[target.kind] + this.id;
    this.kind = target.kind === 'event' ? SpanKind.PRODUCER : SpanKind.INTERNAL;
    this.timed = parts.instruments?.calls[target.kind].durations !== undefined;
    this.paced = parts.pace.start();
  }

  /** A call begins. Answers what its end has to know; nothing for most calls. */
  begin(call: CallView): Seen | undefined {
    const { tracer, faults, pace } = this.parts;
    if (faults.resting) return UNSEEN;
    this.inFlight.calls += 1;
    const span = tracer && this.start(tracer, call);
    // The clock is read for those calls alone whose time is recorded.
    const started = this.timed && pace.take(this.paced) ? performance.now() : undefined;
    return span === undefined && started === undefined ? undefined : { span, started };
  }

  /** A call has ended. */
  end(call: CallView, ok: boolean, value: unknown, seen: Seen | undefined): void {
    if (seen === UNSEEN) return;
    this.inFlight.calls -= 1;
    if (ok && seen === undefined && this.steady && this.good !== undefined) this.good.calls += 1;
    else
      this.record(
        call.provider,
        call.caller.id,
        seen?.span,
        seen?.started,
        ok ? undefined : this.parts.shown(errorType(value)),
      );
  }

  /** Runs a call that the host may answer. */
  run(call: CallView, input: unknown, next: Next): Promise<unknown> {
    const seen = this.begin(call);
    const result =
      call.provider === 'host' && seen !== UNSEEN
        ? this.inside(seen?.span, call, input, next)
        : next(input);
    result.then(
      () => this.end(call, true, undefined, seen),
      (error) => this.end(call, false, error, seen),
    );
    return result;
  }

  /** Undefined for a call that is in no trace, or in one that is not sampled. */
  private start(tracer: Tracer, call: CallView): Span | undefined {
    try {
      const { traceparent } = call;
      const { sample } = this.parts;
      if (traceparent === undefined) {
        // What is done for a call without a trace is in none.
        if (call.nested) return undefined;
        const around = call.caller.kind === 'host' ? context.active() : ROOT_CONTEXT;
        const sampled =
          sample === 1 ||
          (around !== ROOT_CONTEXT && trace.getSpanContext(around) !== undefined) ||
          Math.random() < sample;
        return sampled ? this.spanOf(tracer, call, around) : undefined;
      }
      const plugin = call.caller.kind === 'plugin';
      const given = readTraceparent(traceparent, !plugin);
      // A plugin that works for no open call acts on an event, or after a call that is over.
      if (given !== undefined && plugin && !call.nested)
        return this.spanOf(tracer, call, ROOT_CONTEXT, [{ context: given }]);
      return this.spanOf(tracer, call, within(given));
    } catch (error) {
      this.parts.faults.failed(error);
      return undefined;
    }
  }

  private spanOf(tracer: Tracer, call: CallView, around: Context, links?: Link[]): Span {
    const attributes = this.attributesFor(call.caller.id);
    const span = tracer.startSpan(
      this.name,
      { kind: this.kind, attributes, ...(links && { links }) },
      around,
    );
    const own = span.spanContext();
    // A trace that is not sampled costs its calls nothing more, and those that are made for them.
    if (own.traceFlags & TraceFlags.SAMPLED) call.traceparent = writeTraceparent(own);
    return span;
  }

  /**
   * What a handler of the host does belongs to the span, for other instrumentation too. A message of
   * a guest arrives in the context in which its guest was started, which means nothing.
   */
  private inside(
    span: Span | undefined,
    call: CallView,
    input: unknown,
    next: Next,
  ): Promise<unknown> {
    let result: Promise<unknown> | undefined;
    try {
      const around = call.caller.kind === 'host' ? context.active() : ROOT_CONTEXT;
      context.with(span === undefined ? around : trace.setSpan(around, span), () => {
        result = next(input);
      });
    } catch (error) {
      this.parts.faults.failed(error);
    }
    // A context manager that throws must not keep the call from going on, nor let it go on twice.
    return result ?? next(input);
  }

  private record(
    provider: string,
    caller: string,
    span: Span | undefined,
    started: number | undefined,
    error: string | undefined,
  ): void {
    const { faults, instruments } = this.parts;
    try {
      if (span !== undefined) {
        if (provider !== this.target.owner) span.setAttribute('plugin.id', provider);
        if (error !== undefined) {
          span.setAttribute('error.type', error);
          // A message may tell what the code doesn't: what a user has typed.
          span.setStatus({ code: SpanStatusCode.ERROR, message: error });
        }
        span.end();
        faults.worked();
      }
      if (instruments === undefined) return;
      const { tallies, durations } = instruments.calls[this.target.kind];
      const tally = this.tally(tallies, provider, caller, error);
      tally.calls += 1;
      if (started === undefined) return;
      durations?.record((performance.now() - started) / 1_000, tally.of);
      if (this.parts.tracer === undefined) faults.worked();
    } catch (thrown) {
      faults.failed(thrown);
    }
  }

  /** Most calls have the provider of the one before, and succeed. */
  private tally(
    tallies: Tallies,
    provider: string,
    caller: string,
    error: string | undefined,
  ): Tally {
    const { kind, owner } = this.target;
    const plugin = kind === 'event' ? caller : provider;
    if (error === undefined && plugin === this.plugin && this.good !== undefined) return this.good;
    // Callers choose names that don't exist. Those get no series.
    if (error === 'call/unknown-command') return tallies.other;
    const { tenant } = this.parts;
    const tally = tallies.of({ tenant, plugin, member: this.id, detail: error });
    if (error === undefined) {
      this.plugin = plugin;
      this.good = tally;
      // A command in a plugin's own name has no other provider.
      this.steady = kind === 'command' && provider === owner;
    }
    return tally;
  }

  private attributesFor(caller: string): Attributes {
    if (caller === this.caller) return this.attributes;
    this.caller = caller;
    this.attributes = Object.freeze({
      'plugin.tenant': this.parts.tenant,
      'plugin.id': this.owner,
      [MEMBERS[this.target.kind]]: this.id,
      'plugin.caller': caller,
    });
    return this.attributes;
  }
}

/** The longest code that is kept, in characters. */
const MOST_CODE = 64;

/** The code of an error, or the name of its class. */
export function errorType(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  const type = typeof code === 'string' ? code : name;
  return typeof type === 'string' && type.length <= MOST_CODE ? type : '_OTHER';
}
