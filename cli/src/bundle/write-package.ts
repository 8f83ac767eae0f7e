/** Writes a bundled plugin: the folder of its package, and its archive beside it. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { SIGNATURE_FILE } from '@plinth/sdk/contract';
import { writeArchive } from '../archive/write-archive.js';
import { filesIn, writeFolder, writeWhole } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';
import type { PluginBundle } from './bundle-plugin.js';

/** Writes the package, and the archive unless it isn't wanted. Answers the archive's path. */
export async function writePackage(
  out: string,
  { manifest, files }: PluginBundle,
  archived = true,
): Promise<string | undefined> {
  const bytes = writeArchive(files);
  await writeFolder(out, files);
  if (!archived) return undefined;
  const archive = join(out, '..', `${manifest.id}-${manifest.version}.plinth`);
  await writeWhole(archive, bytes);
  return archive;
}

/** @throws CliError `bundle/bad-out` for a folder with files that bundling didn't write. */
export async function checkOut(folder: string, out: string): Promise<void> {
  const up = relative(out, folder);
  if (up === '' || !(up.startsWith('..') || isAbsolute(up)))
    throw badOut(`${out} holds the sources, and would be replaced`);
  const listed = await readFile(join(out, 'plugin.json'), 'utf8').then(
    (text) => Object.keys((JSON.parse(text) as { readonly files?: object }).files ?? {}),
    () => [],
  );
  const known = new Set(['plugin.json', SIGNATURE_FILE, ...listed]);
  const foreign = (await filesIn(out)).filter((file) => !known.has(file));
  if (foreign.length > 0)
    throw badOut(
      `${out} holds files that bundling did not write (${foreign.slice(0, 3).join(', ')})`,
    );
}

const badOut = (message: string) =>
  new CliError('bundle/bad-out', message, {
    usage: true,
    cure: 'Name another folder with --out, or with build.outDir of Vite.',
  });
