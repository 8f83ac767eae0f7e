/** The migrations that a manifest names in `contributes.sql`, as files of the package. */
import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { isRelativePath } from '@plinth/sdk/contract';
import type { RawManifest } from '../manifest/source-manifest.js';
import { CliError } from '../terminal/cli-error.js';

/**
 * Reads the files, by their path in the manifest. Whether a path is named as a migration is said by
 * the extension that runs it.
 *
 * @throws CliError `bundle/bad-migration` for a file that isn't there or lies outside of the folder.
 */
export async function migrationFiles(
  root: string,
  { contributes }: RawManifest,
): Promise<ReadonlyMap<string, string>> {
  const { sql } = (contributes ?? {}) as { readonly sql?: { readonly migrations?: unknown } };
  const files = new Map<string, string>();
  if (!Array.isArray(sql?.migrations)) return files;
  for (const path of sql.migrations as unknown[])
    if (typeof path === 'string') files.set(path, await readInside(root, path));
  return files;
}

async function readInside(root: string, path: string): Promise<string> {
  const bad = (what: string, cause?: unknown) =>
    new CliError('bundle/bad-migration', `the migration '${path}' of plugin.json ${what}`, {
      cure: "Write the path of a file beside plugin.json in 'contributes.sql.migrations'.",
      details: { path },
      ...(cause !== undefined && { cause }),
    });
  if (!isRelativePath(path)) throw bad('is no path inside of the plugin');
  try {
    const [folder, file] = await Promise.all([realpath(root), realpath(join(root, path))]);
    const inside = relative(folder, file);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
      throw bad("leads out of the plugin's folder");
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw bad(`can't be read: ${(error as Error).message}`, error);
  }
}
