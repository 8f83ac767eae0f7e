/** `ctx.fs` as a plugin sees it. */
import type { PluginFiles } from '../context.js';
import { createError } from '../contract/errors.js';
import { Op } from '../contract/protocol.js';
import type { Link } from '../rpc/link.js';
import { requestKernel } from './kernel-calls.js';

/** Makes it. */
export function createFiles(link: Link): PluginFiles {
  const ask = (verb: string, path: string, data?: Uint8Array) => requestKernel(link, Op.fs, data, [verb, path]);
  const read = (path: string) => ask('read', path) as Promise<Uint8Array>;
  return {
    read,
    readText: async (path) => new TextDecoder().decode(await read(path)),
    write: async (path, data) => void (await ask('write', path, bytesOf(data))),
    list: (path) => ask('list', path) as Promise<readonly string[]>,
    stat: (path) => ask('stat', path) as ReturnType<PluginFiles['stat']>,
    remove: (path) => ask('remove', path) as Promise<boolean>,
  };
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  throw createError('fs/invalid', 'what is written is a text or bytes');
}
