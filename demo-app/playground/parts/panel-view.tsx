/** The panel in the middle. What goes wrong in it stays in it, and can be tried again. */
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { loadView, viewOf } from '../panel-views.ts';
import type { Panel } from '../panels.ts';
import { messageOf } from './action.tsx';

/** One panel for its whole life: another one is another component, by its key. */
export function PanelView({ panel }: { readonly panel: Panel }) {
  const [View, setView] = useState(() => viewOf(panel));
  const [failure, setFailure] = useState<string>();
  const [broken, mend] = useErrorBoundary();
  const shown = useRef(true);
  const load = () => {
    setFailure(undefined);
    loadView(panel).then(
      (view) => shown.current && setView(() => view),
      (error) => shown.current && setFailure(messageOf(error)),
    );
  };
  useEffect(() => {
    if (View === undefined) load();
    return () => {
      shown.current = false;
    };
  }, []);
  if (broken !== undefined)
    return <Trouble what={`This panel failed: ${messageOf(broken)}`} onRetry={mend} />;
  if (failure !== undefined)
    return <Trouble what={`This panel can't be loaded: ${failure}`} onRetry={load} />;
  if (View !== undefined) return <View />;
  return (
    <p class="hint" data-loading>
      Loading…
    </p>
  );
}

function Trouble({ what, onRetry }: { readonly what: string; readonly onRetry: () => void }) {
  return (
    <div class="panel stack" role="alert">
      <p class="problem">{what}</p>
      <div class="row">
        <button type="button" onClick={onRetry}>
          Retry
        </button>
      </div>
    </div>
  );
}
