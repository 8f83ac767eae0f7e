/** A plugin as it is shipped: the files of a folder, or of an archive. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchive } from '@plinth/kernel/archive';
import { type Manifest, parseManifest, SIGNATURE_FILE } from '@plinth/sdk/contract';
import { filesIn } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';

/** Files of a package by path, and where they are. */
export interface PackageFiles {
  readonly origin: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Most files, and most bytes together, that are read of a folder. */
const MOST = { files: 2_000, bytes: 64 * 1_048_576 };

/**
 * Reads a package.
 *
 * @throws CliError `package/missing` or `package/too-large`; PluginValidationError `archive/refused`.
 */
export async function readPackage(path: string): Promise<PackageFiles> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new CliError('package/missing', `there is nothing at ${path}`, {
      cure: 'Name the folder of a plugin, or a .plinth archive.',
    });
  if (!found.isDirectory())
    return { origin: path, files: await readArchive(await readFile(path), {}, path) };
  const names = (await filesIn(path)).filter((name) => !/^(node_modules|\.git)\//.test(name));
  if (names.length > MOST.files) throw tooLarge(path, `${names.length} files`);
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const name of names) {
    const { size } = await stat(join(path, name));
    bytes += size;
    if (bytes > MOST.bytes) throw tooLarge(path, `more than ${MOST.bytes} bytes`);
    files.set(name, await readFile(join(path, name)));
  }
  return { origin: path, files };
}

const tooLarge = (path: string, what: string) =>
  new CliError('package/too-large', `${path} has ${what}, and is no package of a plugin`, {
    cure: 'Name the folder that plinth bundle has written.',
  });

/** The text of a file of a package. */
export function textIn({ files, origin }: PackageFiles, path: string): string {
  const bytes = files.get(path);
  if (bytes === undefined)
    throw new CliError('package/missing', `${origin} has no ${path}`, {
      cure:
        path === 'plugin.json'
          ? 'Name the folder of a plugin, or a .plinth archive. plinth create <name> makes a plugin.'
          : 'plinth bundle writes all files of a package.',
    });
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The checked manifest of a package. */
export function manifestIn(files: PackageFiles): Manifest {
  return parseManifest(textIn(files, 'plugin.json'), join(files.origin, 'plugin.json'));
}

/** A file that isn't what the manifest says. */
export interface DigestProblem {
  readonly path: string;
  readonly kind: 'changed' | 'gone' | 'unlisted';
}

/** Where files and digests of a package differ. */
export function digestProblems(
  { files }: PackageFiles,
  { files: digests }: Manifest,
): readonly DigestProblem[] {
  if (digests === undefined) return [];
  const listed = Object.entries(digests).flatMap(([path, digest]): readonly DigestProblem[] => {
    const bytes = files.get(path);
    if (bytes === undefined) return [{ path, kind: 'gone' }];
    const found = createHash('sha256').update(bytes).digest('hex');
    return found === digest ? [] : [{ path, kind: 'changed' }];
  });
  const unlisted = [...files.keys()]
    .filter((path) => path !== 'plugin.json' && path !== SIGNATURE_FILE)
    .filter((path) => !Object.hasOwn(digests, path))
    .map((path) => ({ path, kind: 'unlisted' as const }));
  return [...listed, ...unlisted];
}
