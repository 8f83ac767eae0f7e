/**
 * What the plugins of the editor leave: an id belongs to the first one that has run under it, and its
 * data stays. Nothing of the editor is installed, so it is taken back, and the id is free again.
 */
import type { Kernel } from '@plinth/kernel';
import { ORIGIN } from './edited-plugins.ts';

/** Of each id. The pages that run something of the editor under it share it. */
const LOCK = 'plinth-playground-edited:';
const locks = () => (navigator as { readonly locks?: LockManager }).locks;

/** Ids that this page runs something under: what gives one back. */
const claims = new Map<string, () => Promise<void>>();
let turn: Promise<unknown> = Promise.resolve();

type Plugins = Pick<Kernel['plugins'], 'leftovers' | 'uninstall'>;

/** One after the other: what is put under an id is not taken back with what was there before. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

/**
 * Takes back what is left under an id, unless another page runs something under it: it has the same
 * storage. An id that another owner had before is still that one's.
 */
export async function takeBack(plugins: Plugins, id: string): Promise<void> {
  await giveBack(id);
  const take = async () => {
    for (const { plugin, owner } of await plugins.leftovers())
      if (owner === ORIGIN && plugin === id) await plugins.uninstall(id, { purge: true });
  };
  const all = locks();
  // Without locks, each page takes back its own.
  if (all === undefined) return take();
  await all.request(LOCK + id, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await take();
  });
}

/** Takes back what pages that are gone have left. Without locks it can't be told which those are. */
export async function takeBackAtStart(plugins: Plugins): Promise<void> {
  if (locks() === undefined) return;
  for (const { plugin, owner } of await plugins.leftovers())
    if (owner === ORIGIN) await inTurn(() => takeBack(plugins, plugin));
}

/** Keeps other pages from taking back what is under an id, until it is given back. */
export function claim(id: string): Promise<void> {
  if (claims.has(id)) return Promise.resolve();
  return new Promise((resolve) => {
    let end = () => {};
    const ended = new Promise<void>((done) => {
      end = done;
    });
    const held = locks()
      ?.request(LOCK + id, { mode: 'shared' }, () => {
        resolve();
        return ended;
      })
      // A page that is closing runs without.
      .catch(() => resolve());
    claims.set(id, async () => {
      end();
      await held;
    });
    if (held === undefined) resolve();
  });
}

/** Nothing of this page runs under an id any more. */
export async function giveBack(id: string): Promise<void> {
  const given = claims.get(id);
  claims.delete(id);
  await given?.();
}
