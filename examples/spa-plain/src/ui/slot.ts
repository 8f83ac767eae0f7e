/** Shows the views of a slot, as long as their plugins may run. */
import { mountView, type ShownView } from '@plinth/ui/dom';
import type { App } from '../core/app.ts';
import { button, element } from './element.ts';

/** Returns what ends it. */
export function showSlot(
  box: Element,
  { kernel, workbench, nameOf, failed }: App,
  slot: string,
): () => void {
  const shown = new Map<string, ShownView>();
  const show = () => {
    const wanted = new Map(workbench.views(slot).map((one) => [`${one.plugin} ${one.id}`, one]));
    for (const [key, view] of shown) {
      if (wanted.has(key)) continue;
      shown.delete(key);
      void view.close();
    }
    for (const [key, { plugin, id, title }] of wanted) {
      if (shown.has(key)) continue;
      const fallback = (error: Error) =>
        element(
          'div',
          { className: 'fallback' },
          element('p', {}, `${nameOf(plugin)} can’t be shown. ${error.message}`),
          button('Try again', () => shown.get(key)?.retry()),
        );
      const heading = `${title} · ${nameOf(plugin)}`;
      shown.set(
        key,
        mountView(box, kernel, { plugin, view: id, title, heading, fallback, onError: failed }),
      );
    }
  };
  const changes = workbench.onChange(show);
  show();
  return () => {
    changes.dispose();
    for (const view of shown.values()) void view.close();
  };
}
