/** What the palette lists: commands of plugins and of the page. */
import type { App } from './app.ts';

export interface Entry {
  /** The id of the command. */
  readonly id: string;
  readonly title: string;
  /** The name of its plugin, or of the page. */
  readonly from: string;
  readonly key: string | undefined;
}

/** The commands whose title or plugin has every word. */
export function entriesOf({ workbench, nameOf }: App, wanted: string): readonly Entry[] {
  const keys = workbench.keys();
  const words = wanted.toLowerCase().split(/\s+/);
  return [
    ...workbench.palette(),
    { id: 'host:settings', title: 'Settings and plugins', plugin: '' },
  ]
    .map(({ id, title, plugin }) => {
      const from = plugin === '' ? 'This page' : nameOf(plugin);
      return { id, title, from, key: keys.find(({ command }) => command === id)?.key };
    })
    .filter(({ title, from }) => {
      const text = `${title} ${from}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
}

/** Whether a key that was pressed belongs to this application, of all that stand in the page. */
export function isMine(root: Element, { target }: KeyboardEvent): boolean {
  if (target instanceof Node && root.contains(target)) return true;
  return target === document.body && document.querySelector('.notes-app') === root;
}
