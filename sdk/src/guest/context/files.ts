/** `ctx.fs` as a plugin sees it. */
import type { PluginFiles } from '../../context.js';
import { createSharedError } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import type { Link } from '../../rpc/link.js';
import { attempt, textIn } from '../arguments.js';
import { requestKernel } from '../kernel-calls.js';
import { bytesOf } from './bytes.js';

/** Creates `ctx.fs`. */
export function createFiles(link: Link): PluginFiles {
  const ask = (verb: string, path: string, data?: Uint8Array) =>
    attempt(() =>
      requestKernel(link, Op.fs, data, [verb, textIn(path, 'a path', 'fs/invalid', 4_096)]),
    );
  const read = (path: string) => ask('read', path) as Promise<Uint8Array>;
  return {
    read,
    readText: async (path) => new TextDecoder().decode(await read(path)),
    write: async (path, data) => void (await ask('write', path, contentOf(data))),
    list: (path) => ask('list', path) as Promise<readonly string[]>,
    stat: (path) => ask('stat', path) as ReturnType<PluginFiles['stat']>,
    remove: (path) => ask('remove', path) as Promise<boolean>,
  };
}

/** @throws PluginValidationError `fs/invalid`. */
function contentOf(data: unknown): Uint8Array {
  const bytes = bytesOf(data);
  if (bytes === undefined)
    throw createSharedError('fs/invalid', 'what is written is a text or bytes');
  return bytes;
}
