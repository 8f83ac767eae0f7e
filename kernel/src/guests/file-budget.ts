/** Bytes of the files that plugins have written and not removed since the kernel was started: a restart of a plugin gives nothing back. */
import { createError } from '@plinth/sdk/contract';
import { Turns } from '../lifecycle/turns.js';

/** Files of one plugin that are counted. */
const MAX_FILES = 10_000;

/** Owns the count of one tenant. */
export class FileBudget {
  readonly #written = new Map<string, Map<string, number>>();
  /** What is done with one file is done in its order: of two writes at once nobody could say which one stays. */
  readonly #turns = new Turns();

  /**
   * Counts a file and writes it.
   *
   * @throws PluginOverloadedError `fs/quota`, or what the writing threw; nothing is counted then.
   */
  write<T>(plugin: string, path: string, bytes: number, limit: number, write: () => Promise<T>): Promise<T> {
    return this.#turns.run(`${plugin}\0${path}`, async () => {
      const undo = this.#take(plugin, path, bytes, limit);
      try {
        return await write();
      } catch (error) {
        undo();
        throw error;
      }
    });
  }

  /** Removes a file, and gives its bytes back when it was there. */
  remove(plugin: string, path: string, remove: () => Promise<boolean>): Promise<boolean> {
    return this.#turns.run(`${plugin}\0${path}`, async () => {
      const gone = await remove();
      if (gone) this.#written.get(plugin)?.delete(path);
      return gone;
    });
  }

  #take(plugin: string, path: string, bytes: number, limit: number): () => void {
    const files = this.#written.get(plugin) ?? new Map<string, number>();
    this.#written.set(plugin, files);
    const before = files.get(path);
    const wanted = [...files.values()].reduce((sum, size) => sum + size, bytes - (before ?? 0));
    if (wanted > limit || (before === undefined && files.size >= MAX_FILES))
      throw createError(
        'fs/quota',
        `${plugin} cannot write ${path}: it would have written ${files.size + (before === undefined ? 1 : 0)} files with ${wanted} bytes, and ${limit} bytes are the limit`,
        {
          plugin,
          details: { path, wanted, limit },
        },
      );
    files.set(path, bytes);
    return () => {
      if (before === undefined) files.delete(path);
      else files.set(path, before);
    };
  }
}
