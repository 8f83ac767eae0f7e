/** Finds the sources of a plugin: its folder, its entry file, and the file of its contract. */
import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { CliError } from '../terminal/cli-error.js';

const EXTENSIONS = ['.ts', '.js', '.mts', '.mjs', '.tsx', '.jsx'];
const ENTRIES = ['src/index', 'src/plugin'].flatMap((name) => EXTENSIONS.map((end) => name + end));
const CONTRACTS = EXTENSIONS.map((end) => `src/contract${end}`);

/** Whether a path is a regular file. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

async function firstOf(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await isFile(join(folder, name))) return join(folder, name);
  return undefined;
}

/** The entry file of a folder with sources; undefined when it has none. */
export const entryIn = (folder: string): Promise<string | undefined> => firstOf(folder, ENTRIES);

/** The file that exports a plugin's contracts, if it has one of its own. */
export const contractIn = (folder: string): Promise<string | undefined> =>
  firstOf(folder, CONTRACTS);

/**
 * The entry file that is bundled.
 *
 * @throws CliError `bundle/no-entry`, or `bundle/bad-entry` for one outside of the folder.
 */
export async function requireEntry(folder: string, given?: string): Promise<string> {
  if (given === undefined) {
    const found = await entryIn(folder);
    if (found !== undefined) return found;
    throw new CliError('bundle/no-entry', `${folder} has no source file to bundle`, {
      cure: `Write ${ENTRIES[0]}, or name the file with --entry.`,
    });
  }
  const file = resolve(folder, given);
  const inside = relative(folder, file);
  if (inside.startsWith(`..${sep}`) || isAbsolute(inside) || !(await isFile(file)))
    throw new CliError('bundle/bad-entry', `'${given}' is not a file in ${folder}`, {
      usage: true,
    });
  return file;
}
