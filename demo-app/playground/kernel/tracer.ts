/**
 * Records calls as spans. It is an extension like any other: it sees each call outside of all
 * middleware, each middleware by itself, and the inside of all. So the time of each part can be
 * told apart.
 */
import { type CallView, defineExtension, type Interest, observer } from '@plinth/kernel/extension';
import { CallSteps, type OpenStep } from './call-steps.ts';
import { FORM, nextId, type Span } from './trace.ts';

/** Hears of each span twice: when it starts, and when it has ended. */
export type SpanListener = (span: Span) => void;

/** Spans whose parts are timed. Further ones are recorded without them. */
const MOST_OPEN = 10_000;

/** The extension. */
export const tracer = defineExtension(
  { name: 'tracer', uses: ['intercept'] },
  (onSpan: SpanListener) => ({
    install(port) {
      const open = new Map<string, CallSteps>();
      /** The parts of a call. Undefined after its end, and for one beyond the bound. */
      const stepsOf = ({ traceparent }: CallView): CallSteps | undefined =>
        open.get(FORM.exec(traceparent ?? '')?.[2] ?? '');
      const whole: Interest = observer<Span>({
        start: (call) => {
          const span = begin(call);
          if (span.kind !== 'event' && open.size < MOST_OPEN) open.set(span.id, new CallSteps());
          onSpan(span);
          return span;
        },
        end(call, { ok, value }, span) {
          const now = performance.now();
          const parts = open.get(span.id)?.ended(now);
          open.delete(span.id);
          const { provider } = call;
          const took = now - span.started;
          onSpan({ ...span, provider, took, ...parts, ok, ...(!ok && { code: codeOf(value) }) });
        },
      });
      const middleware: Interest = observer<OpenStep | undefined>({
        start: (call) =>
          call.middleware && stepsOf(call)?.enter(call.middleware, performance.now()),
        end: (_call, { ok }, step) => step?.leave(performance.now(), ok),
      });
      const inside: Interest = observer<CallSteps | undefined>({
        start(call) {
          const steps = stepsOf(call);
          steps?.reach(performance.now());
          return steps;
        },
        end: (_call, { ok }, steps) => steps?.depart(performance.now(), ok),
      });
      port.intercept({ place: 'outside', for: () => whole });
      port.intercept({ place: 'middleware', kinds: ['command'], for: () => middleware });
      port.intercept({ place: 'inside', kinds: ['command', 'hook'], for: () => inside });
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
