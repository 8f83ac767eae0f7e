/** The kernel's health in the header, refreshed whenever something may have changed it. */
import type { Kernel } from '@plinth/host-browser';
import { byId, oncePerFrame } from './dom.ts';

/** Keeps the header up to date. */
export function showHealth(kernel: Kernel): void {
  const panel = byId('health', HTMLParagraphElement);
  let asked = 0;
  const render = oncePerFrame(async () => {
    const number = ++asked;
    const { status, plugins } = await kernel.health();
    if (number !== asked) return;
    const active = plugins.filter(({ state }) => state === 'active').length;
    const text = `${status}: ${active} of ${plugins.length} plugins active`;
    // Setting the same text would make screen readers repeat it.
    if (panel.textContent !== text) panel.textContent = text;
    panel.dataset.status = status;
  });
  kernel.events.on('plugin:*', render);
  render();
}
