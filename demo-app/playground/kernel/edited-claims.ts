/**
 * What the plugins of the editor leave: an id belongs to the first one that has run under it, and its
 * data stays. Nothing of the editor is installed, so it is taken back, and the id is free again.
 */
import type { Kernel } from '@plinth/kernel';
import { ORIGIN } from './edited-plugins.ts';

/** Shared by the pages that run something of the editor. */
const LOCK = 'plinth-playground-edited';
const locks = () => (navigator as { readonly locks?: LockManager }).locks;
let held: Promise<void> | undefined;

type Plugins = Pick<Kernel['plugins'], 'leftovers' | 'uninstall'>;

/**
 * Takes back what is left under an id, or under each. An id that another owner had before is still
 * that one's: the editor can't run anything under it.
 */
export async function takeBack(plugins: Plugins, id?: string): Promise<void> {
  for (const { plugin, owner } of await plugins.leftovers())
    if (owner === ORIGIN && (id === undefined || id === plugin))
      await plugins.uninstall(plugin, { purge: true });
}

/**
 * Takes back what pages that are gone have left, unless one that runs something is open: it has the
 * same storage. Without locks each page takes back its own alone.
 */
export async function takeBackAtStart(plugins: Plugins): Promise<void> {
  await locks()?.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await takeBack(plugins);
  });
}

/** Keeps other pages from taking back what this one runs, until it is closed. */
export function holdClaims(): Promise<void> {
  held ??= new Promise((resolve) => {
    const request = locks()?.request(LOCK, { mode: 'shared' }, () => {
      resolve();
      return new Promise(() => {});
    });
    // A page that is closing, or has no locks, runs without.
    if (request === undefined) resolve();
    else request.catch(() => resolve());
  });
  return held;
}
