/** The plugins of a project: with sources, which are bundled in memory, or ready to run. */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { directorySource, type PluginPackage, type PluginSource } from '@plinth/host-node';
import type { BundleOptions, PluginBundle } from '../bundle/bundle-plugin.js';
import { entryIn, isFile } from '../bundle/find-entry.js';
import type { Inspector } from '../bundle/inspect.js';
import { CliError } from '../terminal/cli-error.js';

/** The folders of plugins in a folder, or the folder itself when it is a plugin. */
export async function pluginFolders(root: string): Promise<readonly string[]> {
  if (await isFile(join(root, 'plugin.json'))) return [resolve(root)];
  const entries = await readdir(root, { withFileTypes: true }).catch((cause) => {
    // One that is made later is found then. Before, its absence is told once.
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return [];
    throw new CliError('project/unreadable', `${root} can't be read: ${cause.message}`, {
      cause,
      cure: 'Give the user of this program the right to read the folder.',
    });
  });
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const folder = join(root, entry.name);
    if (await isFile(join(folder, 'plugin.json'))) folders.push(folder);
  }
  return folders.sort();
}

/** A plugin as it is now: its package, and the files that it was made of. */
export interface Loaded {
  readonly found: PluginPackage;
  /** Absolute paths, for watching them. */
  readonly inputs: readonly string[];
}

/**
 * Loads the plugin of a folder. Sources are bundled; a package is read as it is.
 *
 * @throws CliError of bundling.
 */
export async function loadPlugin(
  folder: string,
  inspector: Inspector,
  options: BundleOptions = { minify: false, contract: false },
): Promise<Loaded> {
  if ((await entryIn(folder)) !== undefined) {
    // The bundler is loaded for the first plugin that has to be built.
    const { bundleWith } = await import('../bundle/bundle-plugin.js');
    const bundle = await bundleWith(inspector, folder, options);
    return { found: packageIn(folder, bundle), inputs: bundle.inputs };
  }
  for await (const found of directorySource(folder).discover())
    return { found, inputs: filesOf(folder, found) };
  throw new Error(`${folder} is no plugin any more`);
}

/** The files that a package runs. A manifest that is wrong names none, and is told elsewhere. */
function filesOf(folder: string, { manifest }: PluginPackage): readonly string[] {
  const main = /"main"\s*:\s*"([^"]+)"/.exec(String(manifest))?.[1];
  return main === undefined ? [] : [join(folder, main)];
}

/** A bundle in memory as a package. Its place is the folder of its sources. */
function packageIn(folder: string, { files }: PluginBundle): PluginPackage {
  const read = async (path: string) => {
    const content = files.get(path);
    if (content === undefined) throw new Error(`${folder} has no ${path}`);
    return content;
  };
  return {
    origin: folder,
    manifest: files.get('plugin.json') as string,
    held: true,
    code: read,
    list: async () => [...files.keys()],
    read: async (path) => new TextEncoder().encode(await read(path)),
  };
}

/** The plugins below folders. One that can't be bundled is there with its problem. */
export async function loadPlugins(
  roots: readonly string[],
  inspector: Inspector,
): Promise<readonly PluginPackage[]> {
  const all: PluginPackage[] = [];
  for (const root of roots)
    for (const folder of await pluginFolders(root))
      all.push(
        await loadPlugin(folder, inspector).then(
          ({ found }) => found,
          (problem: unknown) => broken(folder, problem),
        ),
      );
  return all;
}

/** A source of packages that are there. A kernel waits for a source, but not for a bundler. */
export function sourceOf(
  roots: readonly string[],
  packages: readonly PluginPackage[],
): PluginSource {
  return {
    origin: roots.join(', '),
    async *discover() {
      yield* packages;
    },
  };
}

/** A plugin that can't be read. */
function broken(folder: string, problem: unknown): PluginPackage {
  return {
    origin: folder,
    manifest: '',
    problem,
    code: () => Promise.reject(problem),
  };
}
