/** The folder of a storage: made when needed, and why it can't be used. */
import { mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createError, PluginError } from '@plinth/sdk/contract';
import { diskProblem } from './durable-file.js';

/** Creates a folder when needed. Returns its real path, with all links resolved. */
export async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await realpath(folder);
  } catch (cause) {
    throw unusable(folder, await reasonOf(folder, cause));
  }
}

/**
 * Creating a folder recursively may report that it is missing instead of why it can't be created.
 */
async function reasonOf(folder: string, cause: unknown): Promise<unknown> {
  for (
    let at = folder;
    (cause as NodeJS.ErrnoException).code === 'ENOENT' && dirname(at) !== at;
    at = dirname(at)
  ) {
    const reason = await mkdir(at, { mode: 0o700 }).catch((error: unknown) => error);
    if (reason === undefined) break;
    if ((reason as NodeJS.ErrnoException).code !== 'ENOENT') return reason;
  }
  return cause;
}

/** A disk failure as a typed error. Errors that are typed already stay unchanged. */
export function unusable(folder: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof PluginError) return cause;
  return createError('storage/failed', `cannot use ${folder} for data: ${diskProblem(cause)}`, {
    details: { folder, ...(code && { reason: code }) },
    cause,
  });
}
