/** The last traces as a list, and the chosen one as a waterfall. */
import { useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { rootOf, type Trace } from '../model/traces.ts';
import { useInspector } from '../parts/context.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import { milliseconds, Waterfall } from '../parts/waterfall.tsx';

/** The whole panel. */
export function TracesPanel() {
  const { traces } = useInspector();
  useChanges(traces.changes);
  const [chosen, setChosen] = useState<string>();
  const list = traces.list();
  const shown = list.find(({ id }) => id === chosen) ?? list[0];
  return (
    <div class="two">
      <section aria-label="Last traces">
        <div class="row tools">
          <span class="hint grow">{list.length} traces, newest first</span>
          <button type="button" onClick={() => traces.clear()}>
            Clear
          </button>
        </div>
        <VirtualList
          label="Traces"
          items={list}
          height={44}
          row={(trace) => (
            <li key={trace.id} class="line">
              <button
                type="button"
                class="plain"
                tabIndex={-1}
                aria-pressed={trace === shown}
                onClick={() => setChosen(trace.id)}
              >
                <Summary trace={trace} />
              </button>
            </li>
          )}
        />
      </section>
      <section class="panel" aria-label="Waterfall">
        {shown === undefined ? (
          <p class="hint">No call yet. Run a command, and its trace is here.</p>
        ) : (
          <Waterfall trace={shown} />
        )}
      </section>
    </div>
  );
}

function Summary({ trace }: { readonly trace: Trace }) {
  const root = rootOf(trace);
  const failed = [...trace.spans.values()].some(({ ok }) => ok === false);
  return (
    <>
      <strong data-failed={failed}>{plainText(root?.target ?? '', 80)}</strong>
      <small>
        {plainText(root?.caller ?? '', 40)}, {trace.spans.size + trace.more} calls,{' '}
        {root?.took === undefined ? 'running' : milliseconds(root.took)}
        {failed && ', with a failure'}
      </small>
    </>
  );
}
