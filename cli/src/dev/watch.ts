/** Watches files. Editors replace files rather than write them, which the library knows about. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { stopSignal } from '../terminal/stop-signal.js';

/** Folders that hold nothing that a plugin is made of. */
const IGNORED = new Set(['node_modules', 'dist', '.git', '.plinth', 'coverage']);

/** A watcher of folders, and of single files beside them. */
export interface Watching {
  /** Watches more files. */
  add(paths: readonly string[]): void;
  close(): Promise<void>;
}

/** Calls `onChange` with each path that was written, added or removed. Resolves when it watches. */
export async function watchPaths(
  paths: readonly string[],
  onChange: (path: string) => void,
): Promise<Watching> {
  const watcher = watch([...paths], {
    ignoreInitial: true,
    ignored: (path) => isIgnored(path, paths),
  });
  watcher.on('all', (_, path) => onChange(path));
  await ready(watcher);
  return {
    add: (more) => void watcher.add([...more]),
    close: () => watcher.close(),
  };
}

/** Names below what is watched; a root may itself have such a name. */
function isIgnored(path: string, roots: readonly string[]): boolean {
  if (roots.includes(path)) return false;
  const name = basename(path);
  return IGNORED.has(name) || name.endsWith('.tmp') || name.endsWith('~');
}

/** Whether watching some roots includes a file. */
export function covers(roots: readonly string[], file: string): boolean {
  return roots.some((root) => {
    const parts = relative(root, file).split(sep);
    return parts[0] !== '..' && !parts.some((part) => IGNORED.has(part));
  });
}

function ready(watcher: FSWatcher): Promise<void> {
  return new Promise((resolve, reject) => {
    watcher.once('ready', resolve);
    watcher.once('error', reject);
  });
}

/** Calls `onChange` for one file, one call at a time, until the process is told to stop. */
export async function watchFile(file: string, onChange: () => Promise<void>): Promise<void> {
  let turn = Promise.resolve();
  const stopped = stopSignal();
  const changed = () => {
    turn = turn.then(onChange);
  };
  await mkdir(dirname(file), { recursive: true });
  const watcher = await watchPaths([file], changed);
  // What was written before it watched.
  changed();
  await stopped;
  await watcher.close();
}
