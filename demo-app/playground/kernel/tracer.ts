/**
 * Records calls as spans. It is an extension like any other: it sees each call outside of all
 * middleware and again inside, so that the time of the middleware and of the handler can be told
 * apart.
 */
import { type CallView, defineExtension, observer } from '@plinth/kernel/extension';

/** One call of a command or hook, or one event. Times are milliseconds of `performance.now()`. */
export interface Span {
  readonly id: string;
  readonly trace: string;
  /** The span that made this one. Absent for the first of a trace. */
  readonly parent: string | undefined;
  readonly kind: 'command' | 'hook' | 'event';
  readonly target: string;
  readonly caller: string;
  readonly provider: string;
  readonly started: number;
  /** Absent while it runs. */
  readonly took?: number;
  /** The part of `took` inside of all middleware. */
  readonly handler?: number;
  readonly ok?: boolean;
  readonly code?: string;
}

/** The time that a call has spent inside of all middleware, and since when it is there again. */
interface Inside {
  spent: number;
  since: number | undefined;
}

/** Hears of each span twice: when it starts, and when it has ended. */
export type SpanListener = (span: Span) => void;

/** Spans whose handler time is awaited. Further ones are recorded without it. */
const MOST_OPEN = 10_000;
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/;

let last = 0;
const nextId = (digits: number): string => (++last).toString(16).padStart(digits, '0');

/** The parent of calls that the person at the page makes. */
const PERSON = 'f'.repeat(16);

/** A `traceparent` that begins a trace, for a call whose trace is to be found again. */
export function newTrace(): { readonly trace: string; readonly traceparent: string } {
  const trace = nextId(32);
  return { trace, traceparent: `00-${trace}-${PERSON}-01` };
}

/** Whether the person at the page has made a call, and not a plugin or a probe. */
export const isByHand = ({ parent }: Span): boolean => parent === PERSON;

/** The extension. */
export const tracer = defineExtension(
  { name: 'tracer', uses: ['intercept'] },
  (onSpan: SpanListener) => ({
    install(port) {
      const inside = new Map<string, Inside>();
      port.intercept({
        place: 'outside',
        for: () =>
          observer<Span>({
            start: (call) => {
              const span = begin(call);
              onSpan(span);
              return span;
            },
            end(call, { ok, value }, span) {
              const now = performance.now();
              const took = now - span.started;
              const { spent, since = now } = inside.get(span.id) ?? {};
              inside.delete(span.id);
              // A call that nothing wraps ends here before its inside is told.
              const handler = spent === undefined ? undefined : spent + now - since;
              const { provider } = call;
              onSpan({ ...span, provider, took, handler, ok, ...(!ok && { code: codeOf(value) }) });
            },
          }),
      });
      port.intercept({
        place: 'inside',
        kinds: ['command', 'hook'],
        for: () =>
          observer<Inside | undefined>({
            start(call) {
              const id = FORM.exec(call.traceparent ?? '')?.[2];
              if (id === undefined) return undefined;
              const entry = inside.get(id) ?? { spent: 0, since: undefined };
              entry.since = performance.now();
              if (inside.size < MOST_OPEN) inside.set(id, entry);
              return entry;
            },
            end(_call, _outcome, entry) {
              if (entry?.since === undefined) return;
              entry.spent += performance.now() - entry.since;
              entry.since = undefined;
            },
          }),
      });
    },
  }),
);

function begin(call: CallView): Span {
  const given = FORM.exec(call.traceparent ?? '');
  const trace = given?.[1] ?? nextId(32);
  const id = nextId(16);
  call.traceparent = `00-${trace}-${id}-01`;
  const { target, caller, provider } = call;
  return {
    id,
    trace,
    parent: given?.[2],
    kind: target.kind,
    target: target.id,
    caller: caller.id,
    provider,
    started: performance.now(),
  };
}

function codeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'failed';
  return 'code' in value && typeof value.code === 'string' ? value.code.slice(0, 80) : 'failed';
}
