/** Bytes of the files that plugins have written and not removed since the kernel was started: a restart of a plugin gives nothing back. */
import { createError } from '@plinth/sdk/contract';

/** Files of one plugin that are counted. */
const MAX_FILES = 10_000;

/** Owns the count of one tenant. */
export class FileBudget {
  readonly #written = new Map<string, Map<string, number>>();

  /**
   * Counts a file that is about to be written; answers what takes that back.
   *
   * @throws PluginOverloadedError `fs/quota`.
   */
  take(plugin: string, path: string, bytes: number, limit: number): () => void {
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

  /** A file is gone. */
  removed(plugin: string, path: string): void {
    this.#written.get(plugin)?.delete(path);
  }
}
