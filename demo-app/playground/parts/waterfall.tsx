/** A trace across plugins: one bar for each call, on one scale of time. */
import { plainText } from '../model/show-value.ts';
import { rootOf, type Trace, waterfall } from '../model/traces.ts';

export function Waterfall({ trace }: { readonly trace: Trace }) {
  const rows = waterfall(trace, performance.now());
  const root = rootOf(trace);
  return (
    <figure class="waterfall">
      <figcaption class="hint">
        {rows.length} {rows.length === 1 ? 'call' : 'calls'}
        {trace.more > 0 && `, and ${trace.more} that are not kept`}
        {root?.took !== undefined && `, ${milliseconds(root.took)} in all`}. The dark part of a bar
        is the handler, the rest is middleware and the way there.
      </figcaption>
      <ol>
        {rows.map(({ span, depth, from, width }) => (
          <li key={span.id} data-ok={span.ok} data-kind={span.kind}>
            <span class="what" style={{ paddingInlineStart: `${Math.min(depth, 12) * 0.9}rem` }}>
              <bdi>{plainText(span.target, 100)}</bdi>
              <small>
                {plainText(span.caller, 60)} → {plainText(span.provider, 60)}
                {span.kind !== 'command' && `, ${span.kind}`}
              </small>
            </span>
            <span class="track" aria-hidden="true">
              <span class="bar" style={{ left: `${from * 100}%`, width: `${width * 100}%` }}>
                <span
                  style={{ width: `${Math.min((span.handler ?? 0) / (span.took || 1), 1) * 100}%` }}
                />
              </span>
            </span>
            <span class="took">
              {span.took === undefined ? 'running' : milliseconds(span.took)}
              {span.ok === false && ` ${plainText(span.code, 60)}`}
            </span>
          </li>
        ))}
      </ol>
    </figure>
  );
}

/** A time with a useful number of digits. */
export function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`;
}
