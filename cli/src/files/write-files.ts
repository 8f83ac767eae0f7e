/**
 * Writes files so that nothing is ever half-written: into a name beside the target, which is then
 * renamed. What a stopped run has begun is removed.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { onAbort } from '../terminal/clean-up.js';

/** Files by their path in a folder, with slashes. */
export type FileTree = ReadonlyMap<string, string | Uint8Array>;

/** Runs `write` with a name beside the target. Removes what is left there when it fails. */
async function beside(target: string, write: (path: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const path = `${target}.${randomUUID().slice(0, 8)}.tmp`;
  const keep = onAbort(() => rmSync(path, { recursive: true, force: true }));
  try {
    await write(path);
  } finally {
    await rm(path, { recursive: true, force: true });
    keep();
  }
}

/** Writes one file, or leaves what was there. `mode` is its permissions. */
export async function writeWhole(
  target: string,
  content: string | Uint8Array,
  mode = 0o666,
): Promise<void> {
  const path = resolve(target);
  await beside(path, async (temporary) => {
    await writeFile(temporary, content, { mode });
    await rename(temporary, path);
  });
}

/** Writes a new folder, or leaves what was there: an empty folder, or one that may be replaced. */
export async function writeFolder(target: string, files: FileTree): Promise<void> {
  const path = resolve(target);
  await beside(path, async (temporary) => {
    for (const [file, content] of files) {
      const at = join(temporary, file);
      await mkdir(dirname(at), { recursive: true });
      await writeFile(at, content);
    }
    await beside(path, async (old) => {
      // Both at once, so that no signal comes in between.
      const replaces = existsSync(path);
      if (replaces) renameSync(path, old);
      try {
        renameSync(temporary, path);
      } catch (error) {
        if (replaces) renameSync(old, path);
        throw error;
      }
    });
  });
}

/** Every file in a folder and below, with slashes; none when it doesn't exist. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const all = await readdir(folder, { recursive: true, withFileTypes: true });
    return all
      .filter((one) => !one.isDirectory())
      .map((one) => relative(folder, join(one.parentPath, one.name)).split(sep).join('/'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
