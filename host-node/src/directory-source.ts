/** Plugins in folders: each subfolder with a `plugin.json` is a plugin. */

import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { open, opendir, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { PluginPackage, PluginSource } from '@plinth/kernel';
import {
  checkOptionNames,
  createError,
  MAX_MANIFEST,
  messageOf,
  SIGNATURE_FILE,
} from '@plinth/sdk/contract';
import { watchedFolder } from './watched-folder.js';

/** Options of a folder of plugins. */
export interface DirectorySourceOptions {
  /**
   * Whether the kernel follows the folder while it runs: a subfolder that comes is installed, one
   * that is gone is uninstalled, and a changed plugin is replaced with its state. What is wrong with
   * a change is logged, and what ran before still runs. Default: false.
   */
  readonly watch?: boolean;
}

/**
 * Finds plugins in a folder. A folder that is itself a plugin counts as one. Names that start with
 * a dot, `node_modules` and folders without a `plugin.json` are skipped.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * createKernel({ sources: [directorySource('./plugins', { watch: true })] })
 */
export function directorySource(path: string, options: DirectorySourceOptions = {}): PluginSource {
  checkOptionNames('directorySource', options, ['watch']);
  const { watch = false } = options;
  if (typeof watch !== 'boolean')
    throw createError(
      'kernel/invalid-option',
      `directorySource: 'watch' is true or false, not ${messageOf(watch)}`,
      { details: { option: 'watch' } },
    );
  if (typeof path !== 'string')
    throw createError(
      'kernel/invalid-option',
      `directorySource takes a path, and not ${messageOf(path)}`,
      {
        details: { option: 'path' },
      },
    );
  const root = resolve(path);
  const discover = () => packagesIn(root);
  return watch ? watchedFolder(root, discover) : { origin: root, discover };
}

/** The packages in a folder. */
async function* packagesIn(root: string): AsyncGenerator<PluginPackage> {
  const entries = await readdir(root, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'plugin.json')) {
    yield await packageIn(root);
    return;
  }
  const folders = entries.filter(
    (entry) =>
      (entry.isDirectory() || entry.isSymbolicLink()) &&
      !entry.name.startsWith('.') &&
      entry.name !== 'node_modules',
  );
  let since = performance.now();
  for (const entry of folders.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(root, entry.name);
    if (entry.isDirectory() || (await stat(folder).catch(() => undefined))?.isDirectory()) {
      const found =
        readAtOnce(folder) ?? (holdsPlugin(folder) ? await packageIn(folder) : undefined);
      if (found !== undefined) yield found;
    }
    if (performance.now() - since < SLICE) continue;
    await setImmediate();
    since = performance.now();
  }
}

/** Milliseconds for which reading many small files may block the event loop. */
const SLICE = 8;

/**
 * The package in a folder whose manifest is a regular file of moderate size. It is read
 * synchronously, because ten thousand reads with an `await` each take several times as long.
 * {@link packageIn} handles everything else.
 */
function readAtOnce(folder: string): PluginPackage | undefined {
  try {
    const handle = openSync(
      join(folder, 'plugin.json'),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    try {
      const found = fstatSync(handle);
      if (!found.isFile() || found.size > MAX_MANIFEST) return undefined;
      // One byte more than its size: packageIn handles a file that grows.
      const bytes = Buffer.alloc(found.size + 1);
      const length = readSync(handle, bytes, 0, bytes.length, 0);
      return length > found.size
        ? undefined
        : { origin: folder, manifest: bytes.toString('utf8', 0, length), ...filesOf(folder) };
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** Whether a folder may be a plugin: it has a `plugin.json`, or that can't be determined. */
function holdsPlugin(folder: string): boolean {
  try {
    return lstatSync(join(folder, 'plugin.json'), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

async function packageIn(folder: string): Promise<PluginPackage> {
  try {
    return { origin: folder, manifest: await readManifest(folder), ...filesOf(folder) };
  } catch (problem) {
    return { origin: folder, manifest: '', problem, ...filesOf(folder) };
  }
}

/**
 * Reads the files of a package: nothing outside its folder, even through links, and no more than
 * the limits.
 */
function filesOf(
  folder: string,
): Required<Pick<PluginPackage, 'code' | 'signature' | 'list' | 'read' | 'refresh'>> {
  return {
    refresh: () => packageIn(folder),
    code: async (main, most = MAX_FILE) => textOf(await readInside(folder, main, most), main),
    async signature() {
      try {
        return (
          await readInside(
            folder,
            SIGNATURE_FILE,
            MAX_MANIFEST,
            (bytes) =>
              new Error(`${SIGNATURE_FILE} has ${bytes} bytes; it has at most ${MAX_MANIFEST}`),
          )
        ).toString('utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    list: () => listFiles(folder),
    read: (path, most = MAX_FILE) => readInside(folder, path, most),
  };
}

/** Largest file in bytes, unless the kernel says otherwise. */
const MAX_FILE = 64_000_000;
/** Most files of a signed package. */
const MAX_FILES = 2_000;

/**
 * Every file in a folder and below, with slashes. Anything that is no folder, such as a link,
 * counts as a file.
 */
async function listFiles(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [folder];
  let seen = 0;
  for (const one of folders) {
    for await (const entry of await opendir(one)) {
      seen += 1;
      if (seen > MAX_FILES) throw new Error(`${folder} has more than ${MAX_FILES} files`);
      const path = join(one, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else files.push(relative(folder, path).split(sep).join('/'));
    }
  }
  return files;
}

async function readManifest(folder: string): Promise<string> {
  const file = join(folder, 'plugin.json');
  try {
    const tooLarge = (bytes: string) =>
      createError(
        'manifest/too-large',
        `${file} has ${bytes} bytes; a manifest has at most ${MAX_MANIFEST}`,
        { details: { origin: file } },
      );
    return (await readInside(folder, 'plugin.json', MAX_MANIFEST, tooLarge)).toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw createError(
      'manifest/missing',
      `${folder} has no plugin.json: a plugin is a folder with a plugin.json and the bundle it names as 'main'`,
      {
        details: { origin: file },
        cause,
      },
    );
  }
}

/**
 * Reads a file of a plugin. A link that leads out of its folder is refused. No more than the limit
 * is read, whatever the file's size claims.
 */
async function readInside(
  folder: string,
  file: string,
  most: number,
  tooLarge = (bytes: string): Error =>
    new Error(`${file} has ${bytes} bytes; at most ${most} are read ('limits.codeSize')`),
): Promise<Buffer> {
  const [root, target] = await Promise.all([realpath(folder), realpath(join(folder, file))]);
  const inside = relative(root, target);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    throw new Error(`${file}: the path leads out of the plugin's folder`);
  // O_NONBLOCK: opening a pipe without a writer would never finish.
  const handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    const { size } = found;
    if (!found.isFile()) throw new Error(`${file} is not a file`);
    if (size > most) throw tooLarge(String(size));
    const parts: Buffer[] = [];
    for (let bytes = 0; ; ) {
      // One byte more than its size, so that the end of the file is seen in the same read.
      const part = Buffer.alloc(bytes > size ? CHUNK : Math.min(CHUNK, size + 1 - bytes));
      const { bytesRead } = await handle.read(part, 0, part.length, bytes);
      if (bytesRead === 0) return Buffer.concat(parts);
      bytes += bytesRead;
      if (bytes > most) throw tooLarge(`more than ${most}`);
      parts.push(part.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** Bytes per read. */
const CHUNK = 1_048_576;

/**
 * The text of a bundle, with its byte order mark, because digests and signatures cover the bytes in
 * every runtime.
 */
function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`${file} is not UTF-8: save the bundle in that encoding`, { cause });
  }
}
