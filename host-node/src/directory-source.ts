/** Plugins in folders: each subfolder with a `plugin.json` is one. */
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import { createError, MAX_MANIFEST } from '@plinth/sdk/contract';
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
    return { origin: folder, manifest: readFileSync(file, 'utf8'), code: (main) => readInside(folder, main) };
  } catch {
    return undefined;
  }
}

async function packageIn(folder: string): Promise<PluginPackage> {
  const code = (main: string) => readInside(folder, main);
  try {
    return { origin: folder, manifest: await readManifest(folder), code };
  } catch (problem) {
    return { origin: folder, manifest: '', problem, code };
  }
}

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
