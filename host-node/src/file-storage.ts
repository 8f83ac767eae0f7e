/**
 * Storage in files: one file per key, written atomically, so that a crash leaves the old value or
 * the new one, never a torn one. One process owns a folder for as long as the storage is open.
 */

import { resolve } from 'node:path';
import type { StorageAdapter } from '@plinth/kernel';
import { checkOptionNames, createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import { makeFolder } from './data-folder.js';
import { FileStore } from './file-store.js';

/** Options of a file storage. */
export interface FileStorageOptions {
  /**
   * Called for each damaged file, including those found before. The key then counts as absent and
   * the file is kept as `<name>.corrupt`. Also called when the folder was deleted while in use and
   * was created again without its content.
   */
  readonly onCorrupt?: (error: PluginError) => void;
}

/**
 * Open storages of this process by folder: a second kernel on the same folder shares the first
 * one's.
 */
const open = new Map<string, { readonly store: Promise<FileStore>; users: number }>();
/** Storages that are about to release their folder. */
const closing = new Map<string, Promise<unknown>>();

/**
 * Opens a folder as storage and creates it when needed.
 *
 * @throws PluginUnavailableError `storage/locked` when another process owns the folder; PluginError
 * `storage/failed` when it can't be used, with the path and the cure; PluginConfigurationError
 * `kernel/invalid-option` when the path is no text.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', storage: await fileStorage('./data') });
 */
export async function fileStorage(
  path: string,
  options: FileStorageOptions = {},
): Promise<StorageAdapter> {
  if (typeof path !== 'string' || path === '')
    throw createError(
      'kernel/invalid-option',
      `a data folder is a path, not ${path === '' ? 'an empty text' : messageOf(path)}`,
      { details: { option: 'data' } },
    );
  checkOptionNames('fileStorage', options, ['onCorrupt']);
  const folder = await makeFolder(resolve(path));
  let shared = open.get(folder);
  if (shared === undefined) {
    shared = {
      store: (closing.get(folder) ?? Promise.resolve()).then(() => FileStore.open(folder)),
      users: 0,
    };
    open.set(folder, shared);
  }
  const entry = shared;
  entry.users += 1;
  let closed = false;
  const listening: (() => void)[] = [];
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const undo of listening) undo();
    entry.users -= 1;
    if (entry.users > 0) return;
    open.delete(folder);
    const done = entry.store.then((store) => store.close());
    closing.set(folder, done);
    await done.finally(() => {
      if (closing.get(folder) === done) closing.delete(folder);
    });
  };
  try {
    const store = await entry.store;
    if (options.onCorrupt !== undefined) listening.push(store.onCorrupt(options.onCorrupt));
    const live = () => {
      if (closed)
        throw createError('storage/failed', `the storage in ${folder} was closed`, {
          details: { folder },
        });
      return store;
    };
    return {
      get: async (key) => live().get(key),
      set: async (key, value) => live().set(key, value),
      delete: async (key) => live().delete(key),
      keys: async (prefix) => live().keys(prefix),
      clear: async (prefix) => live().clear(prefix),
      update: async (key, change) => live().update(key, change),
      cost: (key, value) => live().cost(key, value),
      sizes: async (prefix) => live().sizes(prefix),
      problem: async () => live().problem(),
      onCorrupt: (listener) => void listening.push(live().onCorrupt(listener)),
      close,
    };
  } catch (error) {
    if (open.get(folder) === entry) open.delete(folder);
    throw error;
  }
}
