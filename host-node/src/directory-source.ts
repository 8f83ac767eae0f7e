/** Plugins in folders: each subfolder with a `plugin.json` is one. */
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import { createError, MAX_MANIFEST, SIGNATURE_FILE } from '@plinth/sdk/contract';
import { lstatSync, readFileSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/**
 * Looks for plugins in a folder. A folder that is itself a plugin counts as one; names that start with a dot and
 * `node_modules` are passed over.
 *
 * @example
 * createKernel({ sources: [directorySource('./plugins')] })
 */
export function directorySource(path: string): PluginSource {
  const root = resolve(path);
  return {
    origin: root,
    async *discover() {
      const entries = await readdir(root, { withFileTypes: true });
      if (entries.some((entry) => entry.name === 'plugin.json')) {
        yield await packageIn(root);
        return;
      }
      const folders = entries.filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.') && entry.name !== 'node_modules');
      let since = performance.now();
      for (const entry of folders.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const folder = join(root, entry.name);
        if (entry.isDirectory() || (await stat(folder).catch(() => undefined))?.isDirectory()) yield readAtOnce(folder) ?? (await packageIn(folder));
        if (performance.now() - since < SLICE) continue;
        await setImmediate();
        since = performance.now();
      }
    },
  };
}

/** Milliseconds for which reading many small files may keep the event loop busy. */
const SLICE = 8;

/**
 * The package in a folder whose manifest is an ordinary file of a fair size, which needs no waiting: reading ten thousand
 * of them one `await` after another costs several times as much. Anything else is for {@link packageIn} to judge.
 */
function readAtOnce(folder: string): PluginPackage | undefined {
  try {
    const file = join(folder, 'plugin.json');
    const found = lstatSync(file);
    if (!found.isFile() || found.size > MAX_MANIFEST) return undefined;
    return { origin: folder, manifest: readFileSync(file, 'utf8'), ...filesOf(folder) };
  } catch {
    return undefined;
  }
}

async function packageIn(folder: string): Promise<PluginPackage> {
  try {
    return { origin: folder, manifest: await readManifest(folder), ...filesOf(folder) };
  } catch (problem) {
    return { origin: folder, manifest: '', problem, ...filesOf(folder) };
  }
}

/** How the files of a package are read: nothing outside of its folder, wherever a link leads. */
function filesOf(folder: string): Required<Pick<PluginPackage, 'code' | 'signature' | 'list' | 'read'>> {
  return {
    code: (main) => readInside(folder, main),
    async signature() {
      try {
        const { target, size } = await fileInside(folder, SIGNATURE_FILE);
        if (size > MAX_MANIFEST) throw new Error(`${SIGNATURE_FILE} has ${size} bytes`);
        return await readFile(target, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    list: () => listFiles(folder),
    read: async (path) => readFile((await fileInside(folder, path)).target),
  };
}

/** Every file in a folder and below, with slashes. What is neither a file nor a folder, a link for instance, counts as a file. */
async function listFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  if (entries.length > MAX_FILES) throw new Error(`${folder} has more than ${MAX_FILES} files`);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

/** Most files of a signed package. */
const MAX_FILES = 2_000;

async function readManifest(folder: string): Promise<string> {
  const file = join(folder, 'plugin.json');
  try {
    // Before reading: a huge file must not be read to be refused.
    const { size, target } = await fileInside(folder, 'plugin.json');
    if (size > MAX_MANIFEST) throw createError('manifest/too-large', `${file} has ${size} bytes; a manifest has at most ${MAX_MANIFEST}`, { details: { origin: file } });
    return await readFile(target, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw createError('manifest/missing', `${folder} has no plugin.json: a plugin is a folder with a plugin.json and the bundle it names as 'main'`, {
      details: { origin: file },
      cause,
    });
  }
}

/** Reads a file of a plugin; a link that leads out of its folder is refused. */
async function readInside(folder: string, file: string): Promise<string> {
  return readFile((await fileInside(folder, file)).target, 'utf8');
}

async function fileInside(folder: string, file: string): Promise<{ readonly target: string; readonly size: number }> {
  const [root, target] = await Promise.all([realpath(folder), realpath(join(folder, file))]);
  const inside = relative(root, target);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw new Error(`${file}: the path leads out of the plugin's folder`);
  const found = await stat(target);
  // Reading a pipe that nobody writes to never ends.
  if (!found.isFile()) throw new Error(`${file} is not a file`);
  return { target, size: found.size };
}
