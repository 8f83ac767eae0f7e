/**
 * What a guest may ask of the machine's files, where its host offers them: shape, permission, use.
 * Loaded with the first request.
 */
import { createError } from '@plinth/sdk/contract';
import type { MachineUser } from '../../guests/machine.js';
import type { HostFiles } from '../../host-abilities.js';
import type { FileBudget } from './file-budget.js';

const READS: ReadonlySet<string> = new Set(['read', 'list', 'stat']);

/** Longest path, in characters. */
const MAX_PATH = 4_096;

/** What files are used with. */
export interface FileParts {
  /** The host's files. Undefined where it has none. */
  readonly files: HostFiles | undefined;
  /** What plugins of the tenant have open. */
  readonly budget: FileBudget;
}

/** One request about files. */
export async function askFiles(
  { manifest: { id: plugin }, permissions, meter }: MachineUser,
  [verb, path]: readonly unknown[],
  data: unknown,
  { files, budget }: FileParts,
): Promise<unknown> {
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
  if (verb === 'remove') return budget.remove(plugin, path, () => files.remove(path, check));
  if (verb !== 'write') return files[verb as Exclude<keyof HostFiles, 'write'>](path, check);
  if (!(data instanceof Uint8Array))
    throw createError('fs/invalid', 'what is written are bytes', { plugin });
  return budget.write(plugin, path, data.length, meter.limits.files, () =>
    files.write(path, data, check),
  );
}
