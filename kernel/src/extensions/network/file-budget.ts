/**
 * Bytes of the files that plugins have written and not removed since the kernel was started. A
 * restart of a plugin frees none of them.
 */
import { createError } from '@plinth/sdk/contract';
import { KeyedQueue } from '../../concurrency.js';

/** Most files of one plugin that are counted. */
const MAX_FILES = 10_000;
/**
 * File systems store a file in multiples of this many bytes. An empty file costs its entry in the
 * folder.
 */
const BLOCK = 4_096;

/** Owns the count of one tenant. */
export class FileBudget {
  readonly #written = new Map<string, Map<string, number>>();
  /**
   * Operations on one file run one after the other. With two writes at once, the final content
   * would be undefined.
   */
  readonly #turns = new KeyedQueue();

  /**
   * Counts a file and writes it.
   *
   * @throws PluginOverloadedError `fs/quota`, or what the write threw. Nothing is counted then.
   */
  write<T>(
    plugin: string,
    path: string,
    bytes: number,
    limit: number,
    write: () => Promise<T>,
  ): Promise<T> {
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

  /** Removes a file, and frees its bytes if it existed. */
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
    const cost = Math.max(BLOCK, Math.ceil(bytes / BLOCK) * BLOCK);
    const wanted = [...files.values()].reduce((sum, size) => sum + size, cost - (before ?? 0));
    if (wanted > limit || (before === undefined && files.size >= MAX_FILES))
      throw createError(
        'fs/quota',
        `${plugin} cannot write ${path}: it would have written ${files.size + (before === undefined ? 1 : 0)} files with ${wanted} bytes, and ${limit} bytes are the limit`,
        {
          plugin,
          details: { path, wanted, limit },
        },
      );
    files.set(path, cost);
    return () => {
      if (before === undefined) files.delete(path);
      else files.set(path, before);
    };
  }
}
