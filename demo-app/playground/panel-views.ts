/** Loads the views of panels, each once. A failure isn't kept, so the next try loads again. */
import type { ComponentType } from 'preact';
import type { Panel } from './panels.ts';

const views = new Map<Panel, ComponentType>();
const coming = new Map<Panel, Promise<ComponentType>>();

/** The view of a panel, if the page has it. */
export function viewOf(panel: Panel): ComponentType | undefined {
  return 'view' in panel ? panel.view : views.get(panel);
}

/** Loads the view of a panel. */
export async function loadView(panel: Panel): Promise<ComponentType> {
  if ('view' in panel) return panel.view;
  const loading = coming.get(panel) ?? panel.load();
  coming.set(panel, loading);
  try {
    const view = await loading;
    views.set(panel, view);
    return view;
  } finally {
    coming.delete(panel);
  }
}

/** Loads a view that is likely to be asked for. The panel itself tells of a failure. */
export async function prefetchView(panel: Panel): Promise<void> {
  if (viewOf(panel) === undefined) await loadView(panel).catch(() => {});
}

/** Loads views one after another, each when the page has nothing else to do. */
export async function prefetchIdly(panels: readonly Panel[]): Promise<void> {
  for (const panel of panels) {
    await idle();
    await prefetchView(panel);
  }
}

const idle = () =>
  new Promise<void>((resolve) => {
    // Safari has no idle callbacks.
    if (typeof requestIdleCallback === 'function') requestIdleCallback(() => resolve());
    else setTimeout(resolve, 100);
  });
