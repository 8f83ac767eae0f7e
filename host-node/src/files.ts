/**
 * Files for plugins that may use them. The real path of a file's folder is resolved and checked
 * like the path itself, and the opened file is compared with it. This also finds a link that is put
 * in place in between.
 */

import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import type { CheckPath, FileFacts, HostFiles } from '@plinth/kernel';
import { createError, messageOf } from '@plinth/sdk/contract';
import { fill, patiently } from './durable-file.js';

/** Largest file that is read or written, in bytes. */
const MAX_FILE = 16_777_216;
const MAX_NAMES = 10_000;
const MAX_PATH = 4_096;

let last = 0;

/** The files of this machine. */
export const files: HostFiles = {
  read: (path, check) =>
    typed(path, async () => {
      const handle = await opened(path, constants.O_RDONLY, check);
      try {
        const { size } = await handle.stat();
        if (size > MAX_FILE)
          throw createError(
            'fs/invalid',
            `${path} has ${size} bytes, more than the ${MAX_FILE} that are read at once`,
          );
        const bytes = new Uint8Array(size);
        let at = 0;
        while (at < size) {
          const { bytesRead } = await handle.read(bytes, at, size - at, at);
          if (bytesRead === 0) break;
          at += bytesRead;
        }
        return bytes.subarray(0, at);
      } finally {
        await handle.close();
      }
    }),
  write: (path, data, check) =>
    typed(path, async () => {
      if (data.length > MAX_FILE)
        throw createError('fs/invalid', `a file has at most ${MAX_FILE} bytes, not ${data.length}`);
      const target = await located(path, check);
      const found = await lstat(target).catch(() => undefined);
      if (found !== undefined && !found.isFile())
        throw createError('fs/invalid', `${path} is not a file`);
      // Written beside the target, then moved into place: no reader ever sees half of it, and a
      // link at the target is replaced, not followed.
      const draft = join(dirname(target), `.${basename(target)}.${process.pid}.${++last}.tmp`);
      const handle = await opened(
        draft,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
        () => {},
      );
      try {
        // The new file gets the permissions of the one it replaces.
        if (found !== undefined) await handle.chmod(found.mode & 0o777);
        await fill(handle, data);
        await handle.close();
        await patiently(() => rename(draft, target));
      } catch (error) {
        await handle.close().catch(() => {});
        await rm(draft, { force: true }).catch(() => {});
        throw error;
      }
    }),
  list: (path, check) =>
    typed(path, async () => {
      const target = await located(path, check, true);
      const names = await readdir(target);
      if (names.length > MAX_NAMES)
        throw createError('fs/invalid', `${path} holds more than ${MAX_NAMES} files`);
      return names.sort();
    }),
  stat: (path, check) =>
    typed(path, async () => {
      try {
        const found = await lstat(await located(path, check));
        return {
          kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other',
          size: found.size,
          modified: found.mtimeMs,
        } satisfies FileFacts;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    }),
  remove: (path, check) =>
    typed(path, async () => {
      try {
        const target = await located(path, check);
        if ((await lstat(target)).isDirectory())
          throw createError('fs/invalid', `${path} is a folder`);
        await rm(target);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    }),
};

/** The real path of a file's folder; with `itself`, of the file too. Both are checked. */
async function located(path: string, check: CheckPath, itself = false): Promise<string> {
  const plain =
    path.length <= MAX_PATH &&
    isAbsolute(path) &&
    normalize(path) === path &&
    !path.includes('\0') &&
    (path.length === 1 || !path.endsWith('/'));
  if (!plain)
    throw createError('fs/invalid', `'${path.slice(0, 200)}' is not a plain absolute path`);
  check(path);
  const real = itself ? await realpath(path) : join(await realpath(dirname(path)), basename(path));
  if (real !== path) check(real);
  return real;
}

async function opened(path: string, flags: number, check: CheckPath): Promise<FileHandle> {
  const target = await located(path, check);
  // O_NONBLOCK: opening a pipe without a writer would never finish.
  const handle = await open(target, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw createError('fs/invalid', `${path} is not a file`);
    const now = await lstat(await located(path, check));
    if (now.ino !== found.ino || now.dev !== found.dev)
      throw createError('fs/failed', `${path} was changed while it was opened`);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const isMissing = (error: unknown) =>
  (error as NodeJS.ErrnoException).code === 'ENOENT' ||
  (error as NodeJS.ErrnoException).code === 'ENOTDIR';

async function typed<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (/^(?:fs|permission)\//.test(String((error as { code?: unknown }).code))) throw error;
    // The system's own message is not passed on: it may name what the plugin may not know.
    const { code } = error as NodeJS.ErrnoException;
    throw createError(
      'fs/failed',
      `${path}: ${code === 'ELOOP' ? 'it is a link' : isMissing(error) ? 'there is no such file' : code === 'ENOSPC' ? 'the disk is full' : typeof code === 'string' ? code : messageOf(error)}`,
    );
  }
}
