/** The package at a path or an address of the command line, for installing it. */
import { resolve } from 'node:path';
import type { PluginPackage } from '@plinth/host-node';
import { SIGNATURE_FILE } from '@plinth/sdk/contract';
import { entryIn } from '../bundle/find-entry.js';
import { Inspector } from '../bundle/inspect.js';
import { CliError } from '../terminal/cli-error.js';
import { digestProblems, manifestIn, readPackage, textIn } from '../validate/read-package.js';
import { fetchPackage, isAddress } from './fetch-package.js';
import { loadPlugin } from './plugin-folders.js';

/**
 * Reads a folder with sources, a folder with a package, or an archive; or what an address names.
 *
 * @throws CliError `package/changed` for files that aren't those of the manifest.
 */
export async function findPackage(path: string): Promise<PluginPackage> {
  if (isAddress(path)) return fetchPackage(path);
  const origin = resolve(path);
  if ((await entryIn(origin)) !== undefined)
    return (await loadPlugin(origin, new Inspector(), {})).found;
  const all = await readPackage(origin);
  const manifest = manifestIn(all);
  const [wrong] = digestProblems(all, manifest).filter(({ kind }) => kind !== 'unlisted');
  if (wrong !== undefined)
    throw new CliError(
      'package/changed',
      `'${wrong.path}' of ${origin} is not the file that the manifest describes`,
      { cure: 'Get the package again, or bundle it again.' },
    );
  const read = async (file: string) => {
    const bytes = all.files.get(file);
    if (bytes === undefined) throw new Error(`${origin} has no ${file}`);
    return bytes;
  };
  return {
    origin,
    manifest: textIn(all, 'plugin.json'),
    held: true,
    code: async (file) => textIn(all, file),
    list: async () => [...all.files.keys()],
    read,
    signature: async () =>
      all.files.has(SIGNATURE_FILE) ? textIn(all, SIGNATURE_FILE) : undefined,
  };
}
