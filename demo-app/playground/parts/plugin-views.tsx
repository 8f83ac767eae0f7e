/** The views that a plugin contributes, each for as long as it is contributed. */
import { ui } from '@plinth/ui/host';
import { useEffect, useRef } from 'preact/hooks';
import { useChanges } from '../model/store.ts';
import { useInspector } from './context.ts';

export function PluginViews({ plugin }: { readonly plugin: string }) {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const views = kernel
    .extension(ui)
    .views('main')
    .filter((view) => view.plugin === plugin);
  if (views.length === 0) return <p class="hint">It shows no view.</p>;
  return (
    <>
      {views.map(({ id, title }) => (
        <PluginView key={`${plugin}/${id}`} plugin={plugin} view={id} title={title} />
      ))}
    </>
  );
}

function PluginView({
  plugin,
  view,
  title,
}: {
  readonly plugin: string;
  readonly view: string;
  readonly title: string;
}) {
  const { kernel } = useInspector();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let end = () => {};
    let ended = false;
    void import('@plinth/ui/dom').then(({ mountView }) => {
      if (ended || box.current === null) return;
      const shown = mountView(box.current, kernel, { plugin, view, title });
      end = () => void shown.close();
    });
    return () => {
      ended = true;
      end();
    };
  }, [kernel, plugin, view, title]);
  return <div ref={box} data-view={`${plugin}/${view}`} />;
}
