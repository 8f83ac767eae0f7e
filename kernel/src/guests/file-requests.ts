/**
 * What a guest may ask of the machine's files, where its host offers them: shape, permission, use.
 * Loaded with the first request.
 */
import { createError } from '@plinth/sdk/contract';
import type { HostFiles } from '../host-abilities.js';
import type { PermissionSet } from '../permissions/broker.js';
import { FileBudget } from './file-budget.js';

const READS: ReadonlySet<string> = new Set(['read', 'list', 'stat']);

/** Longest path, in characters. */
const MAX_PATH = 4_096;

/** One for each tenant. */
const budgets = new WeakMap<object, FileBudget>();

/** One request about files. */
export async function askFiles(
  plugin: string,
  permissions: PermissionSet,
  limit: number,
  abilities: { readonly files: HostFiles | undefined },
  verb: unknown,
  path: unknown,
  data: unknown,
): Promise<unknown> {
  const { files } = abilities;
  if (typeof path !== 'string' || path.length > MAX_PATH)
    throw createError('fs/invalid', `a path is a text of at most ${MAX_PATH} characters`, {
      plugin,
    });
  if (verb !== 'write' && verb !== 'remove' && !READS.has(verb as string))
    throw createError('wire/refused', `refused a message of ${plugin}: it is not well formed`, {
      plugin,
    });
  const permission = READS.has(verb as string) ? 'fs.read' : 'fs.write';
  const counted = new Set<string>();
  // The path is checked several times, but counts as one use of the right.
  const check = (wanted: string) => {
    if (counted.has(wanted) && permissions.check(permission, wanted)) return;
    counted.add(wanted);
    permissions.demand(permission, wanted);
  };
  check(path);
  if (files === undefined)
    throw createError('fs/failed', `${plugin} cannot use files: there are none here`, { plugin });
  const budget = budgets.get(abilities) ?? new FileBudget();
  budgets.set(abilities, budget);
  if (verb === 'remove') return budget.remove(plugin, path, () => files.remove(path, check));
  if (verb !== 'write') return files[verb as Exclude<keyof HostFiles, 'write'>](path, check);
  if (!(data instanceof Uint8Array))
    throw createError('fs/invalid', 'what is written are bytes', { plugin });
  return budget.write(plugin, path, data.length, limit, () => files.write(path, data, check));
}
