/** Tells other tabs of changes: each has a kernel of its own over the same storage. */
import type { Kernel } from '@plinth/host-browser';
import { Notebook } from '../../plugins/notebook/src/contract.ts';

/** Returns what ends it. */
export function followTabs({ events }: Pick<Kernel, 'events'>, name: string): () => void {
  const channel = new BroadcastChannel(`notes ${name}`);
  const heard = events.on(Notebook.changed, ({ elsewhere }) => {
    if (!elsewhere) channel.postMessage('changed');
  });
  channel.onmessage = () => void events.emit('host:changed-elsewhere');
  return () => {
    heard.dispose();
    channel.close();
  };
}
