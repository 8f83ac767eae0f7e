/** What a guest may ask of the machine it runs on, where its host offers that: shape, permission, use. */
import { createError } from '@plinth/sdk/contract';
import type { HostFiles } from '../host-abilities.js';
import type { KernelParts } from '../parts.js';
import type { PermissionSet } from '../permissions/broker.js';

const READS: ReadonlySet<string> = new Set(['read', 'list', 'stat']);

/** One request about files. */
export async function askFiles(
  plugin: string,
  permissions: PermissionSet,
  limit: number,
  { files, fileBudget }: Pick<KernelParts, 'files' | 'fileBudget'>,
  verb: unknown,
  path: unknown,
  data: unknown,
): Promise<unknown> {
  if (typeof path !== 'string') throw createError('fs/invalid', 'a path is a text', { plugin });
  if (verb !== 'write' && verb !== 'remove' && !READS.has(verb as string)) throw createError('wire/refused', `refused a message of ${plugin}: it is not well formed`, { plugin });
  const permission = READS.has(verb as string) ? 'fs.read' : 'fs.write';
  const check = (wanted: string) => permissions.demand(permission, wanted);
  check(path);
  if (files === undefined) throw createError('fs/failed', `${plugin} cannot use files: there are none here`, { plugin });
  if (verb === 'remove') {
    const gone = await files.remove(path, check);
    if (gone) fileBudget.removed(plugin, path);
    return gone;
  }
  if (verb !== 'write') return files[verb as Exclude<keyof HostFiles, 'write'>](path, check);
  if (!(data instanceof Uint8Array)) throw createError('fs/invalid', 'what is written are bytes', { plugin });
  const undo = fileBudget.take(plugin, path, data.length, limit);
  try {
    return await files.write(path, data, check);
  } catch (error) {
    undo();
    throw error;
  }
}

/** One variable of the environment; undefined where there is none. */
export function askEnvironment(permissions: PermissionSet, { environment }: Pick<KernelParts, 'environment'>, name: string): string | undefined {
  permissions.demand('env.read', name);
  return environment?.(name);
}
