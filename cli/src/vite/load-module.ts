/** The plugin of a folder as a module of an application. */
import { join, relative, sep } from 'node:path';
import { parseManifest } from '@plinth/sdk/contract';
import type { BundleOptions } from '../bundle/bundle-plugin.js';
import { isFile } from '../bundle/find-entry.js';
import type { Inspector } from '../bundle/inspect.js';
import { loadPlugin } from '../project/plugin-folders.js';
import { CliError } from '../terminal/cli-error.js';
import type { PluginModule } from './client.js';

/** How folders are loaded. */
export interface LoadParts {
  readonly inspector: Inspector;
  readonly options: BundleOptions;
  /** Vite's root. Origins are relative to it, so that they are the same on each machine. */
  readonly root: string;
  /** Whether the package has its source map. */
  readonly map: boolean;
}

/** A plugin, and the files that it was made of. */
export interface LoadedModule {
  readonly module: PluginModule;
  /** Absolute paths. */
  readonly inputs: readonly string[];
}

/**
 * Bundles the plugin of a folder, or reads it when it has no sources.
 *
 * @throws CliError of bundling, or `manifest/missing`.
 */
export async function loadModule(folder: string, parts: LoadParts): Promise<LoadedModule> {
  const { inspector, options, root, map } = parts;
  if (!(await isFile(join(folder, 'plugin.json'))))
    throw new CliError('manifest/missing', `${folder} has no plugin.json`, {
      cure: "'plinth:' takes the path of a plugin's folder, relative to the importing file.",
    });
  const { found, inputs } = await loadPlugin(folder, inspector, { ...options, contract: false });
  if (found.problem !== undefined) throw found.problem;
  const { id, version, main, activation } = parseManifest(found.manifest, found.origin);
  const files: Record<string, string> = {
    'plugin.json': String(found.manifest),
    [main]: await found.code(main),
  };
  const mapFile = `${main}.map`;
  if (map && (await found.list?.())?.includes(mapFile) === true)
    files[mapFile] = new TextDecoder().decode(await found.read?.(mapFile));
  const signature = await found.signature?.();
  const origin = `plinth:${relative(root, folder).split(sep).join('/')}`;
  return { module: { origin, id, version, activation, files, signature }, inputs };
}
