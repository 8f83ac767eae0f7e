/** Views of plugins in the page. What draws them is loaded with the first one. */
import type { ShownView } from '@plinth/ui/dom';
import type { SlotView } from '@plinth/ui/host';
import { useEffect, useRef, useState } from 'preact/hooks';
import { SLOTS } from '../kernel/demo-plugins.ts';
import { messageOf, plainText } from '../model/show-value.ts';
import { speakerOf } from '../model/speaker.ts';
import { Failure } from './action.tsx';
import { useInspector } from './context.ts';
import { useWorkbench } from './use-workbench.ts';

/** Every view of a plugin, whatever its slot. */
export function PluginViews({ plugin }: { readonly plugin: string }) {
  const workbench = useWorkbench();
  const views = SLOTS.flatMap((slot) => workbench.views(slot)).filter(
    (view) => view.plugin === plugin,
  );
  if (views.length === 0)
    return <p class="hint">It shows no view in the slots of this page: {SLOTS.join(', ')}.</p>;
  return (
    <>
      {views.map((view) => (
        <PluginView key={`${view.slot} ${view.id}`} view={view} />
      ))}
    </>
  );
}

/** One view. Its heading is the page's, and says whose it is. */
export function PluginView({ view }: { readonly view: SlotView }) {
  const { kernel } = useInspector();
  const { plugin, id } = view;
  const box = useRef<HTMLDivElement>(null);
  const shown = useRef<ShownView>(undefined);
  const [hasFailed, setHasFailed] = useState(false);
  const [failure, setFailure] = useState<string>();
  const name = plainText(speakerOf(plugin, kernel.plugins.get(plugin)?.name));
  const title = plainText(view.title, 80);
  useEffect(() => {
    let current = true;
    const failed = (error: unknown) => current && setFailure(messageOf(error));
    import('@plinth/ui/dom').then(({ mountView }) => {
      if (!current || box.current === null) return;
      shown.current = mountView(box.current, kernel, {
        ...{ plugin, view: id, title, heading: `${title} · ${name}` },
        fallback: (error) => `${name} can't be shown: ${messageOf(error)}`,
        onError: failed,
        onState(state) {
          if (!current) return;
          setHasFailed(state === 'failed');
          // What failed before says nothing of the version that is shown now.
          if (state === 'opening' || state === 'swapped') setFailure(undefined);
        },
      });
    }, failed);
    return () => {
      current = false;
      void shown.current?.close();
      shown.current = undefined;
    };
  }, [kernel, plugin, id, title, name]);
  return (
    <div class="view" data-view={`${plugin} ${id}`}>
      <div ref={box} />
      {hasFailed && (
        <button type="button" onClick={() => shown.current?.retry()}>
          Try {title} again
        </button>
      )}
      <Failure message={failure} />
    </div>
  );
}
