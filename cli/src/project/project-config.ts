/** A project: a folder with plugins, and perhaps a `plinth.config` that says how they run. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NodeKernelOptions } from '@plinth/host-node';
import { isFile } from '../bundle/find-entry.js';
import { CliError } from '../terminal/cli-error.js';

/** The options of `createKernel` of `@plinth/host-node`. Paths are relative to the project. */
export type ProjectConfig = NodeKernelOptions;

/** A project as it is on the disk. */
export interface Project {
  readonly folder: string;
  /** The file of its configuration, if it has one. */
  readonly file: string | undefined;
  /** Folders of plugins, or of one plugin, as absolute paths. */
  readonly plugins: readonly string[];
  /** Folder of its data; undefined when the configuration brings a storage of its own. */
  readonly data: string | undefined;
  /** Folder of what the command line keeps itself: logs, and the key of secrets. */
  readonly own: string;
  /** What the configuration says, without `plugins` and `data`. */
  readonly options: Omit<NodeKernelOptions, 'plugins' | 'data'>;
}

/**
 * Gives a configuration its type.
 *
 * @example
 * // plinth.config.ts
 * import { defineConfig } from '@plinth/cli';
 * export default defineConfig({ plugins: './plugins', data: './data' });
 */
export function defineConfig(config: ProjectConfig): ProjectConfig {
  return config;
}

const FILES = ['ts', 'mts', 'js', 'mjs', 'json'].map((end) => `plinth.config.${end}`);

/**
 * Reads a project.
 *
 * @param folder a folder, or a file of a configuration.
 * @throws CliError `project/missing` or `project/invalid`.
 */
export async function loadProject(folder: string): Promise<Project> {
  const root = resolve(folder);
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CliError('project/missing', `there is no folder ${root}`, {
      usage: true,
      cure: 'Name the folder of a project with --project.',
    });
  const file = await configFile(root);
  const { plugins, data, ...options } = file === undefined ? {} : await readConfig(file);
  const at = (path: string) => (isAbsolute(path) ? path : join(root, path));
  const folders = plugins === undefined ? await usualFolders(root) : [plugins].flat().map(at);
  return {
    folder: root,
    file,
    plugins: folders,
    data: options.storage === undefined ? at(data ?? '.plinth/data') : undefined,
    own: join(root, '.plinth'),
    options,
  };
}

/** Folders that the configuration names as those of plugins, and that aren't there. */
export async function absentFolders({ plugins }: Project): Promise<readonly string[]> {
  const there = await Promise.all(
    plugins.map((folder) =>
      stat(folder).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    ),
  );
  return plugins.filter((_, index) => !there[index]);
}

/** Whether a folder is a project: it has a configuration, plugins, or data of plugins. */
export async function isProject(folder: string): Promise<boolean> {
  for (const name of [...FILES, 'plugin.json']) if (await isFile(join(folder, name))) return true;
  for (const name of ['plugins', '.plinth']) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isDirectory() === true) return true;
  }
  return false;
}

async function configFile(root: string): Promise<string | undefined> {
  for (const name of FILES) if (await isFile(join(root, name))) return join(root, name);
  return undefined;
}

/** Where plugins are when nothing is said: in `plugins`, and the project itself if it is one. */
async function usualFolders(root: string): Promise<readonly string[]> {
  const own = (await isFile(join(root, 'plugin.json'))) ? [root] : [];
  const folder = join(root, 'plugins');
  const there = (await stat(folder).catch(() => undefined))?.isDirectory() === true;
  return there ? [...own, folder] : own;
}

async function readConfig(file: string): Promise<ProjectConfig> {
  let value: unknown;
  try {
    value = file.endsWith('.json')
      ? JSON.parse(await readFile(file, 'utf8'))
      : ((await import(pathToFileURL(file).href)) as { readonly default?: unknown }).default;
  } catch (cause) {
    throw new CliError('project/invalid', `${file} can't be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const { plugins, data } = Object(value) as Readonly<Record<string, unknown>>;
  const isPath = (one: unknown) => typeof one === 'string' && one !== '';
  const problem =
    value === null || typeof value !== 'object' || Array.isArray(value)
      ? "has no object as its default export: write 'export default { … }'"
      : plugins !== undefined && ![plugins].flat().every(isPath)
        ? "has no path, or list of paths, as 'plugins'"
        : data !== undefined && !isPath(data)
          ? "has no path as 'data'"
          : undefined;
  if (problem !== undefined) throw new CliError('project/invalid', `${file} ${problem}`);
  return value as ProjectConfig;
}
