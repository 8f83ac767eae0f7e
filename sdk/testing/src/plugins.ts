/** The plugins of a test: packages in memory, packages of a source, and folders. */
import type { PackageInput, PluginPackage } from '@plinth/kernel';
import { createError, messageOf } from '@plinth/sdk/contract';
import { loadKernel, loadNodeHost } from './kernel-module.js';

/**
 * A plugin under test: its manifest with its bundle or its plugin object, a package that a source
 * has found, or in Node the path of its folder. Plugin objects run inline.
 */
export type PluginInput = PackageInput | PluginPackage | string;

/**
 * The packages of plugins. A folder that holds several plugins gives all of them.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for what is no plugin,
 * PluginUnavailableError `plugin/source-failed` for a folder that can't be read or holds none.
 */
export async function packagesOf(plugins: readonly PluginInput[]): Promise<PluginPackage[]> {
  const found: PluginPackage[] = [];
  for (const [index, plugin] of plugins.entries()) {
    if (typeof plugin === 'string') found.push(...(await packagesIn(plugin)));
    else found.push(await packageIn(plugin, index));
  }
  return found;
}

/**
 * The package of one plugin.
 *
 * @throws as {@link packagesOf}, and `kernel/invalid-option` for a folder of several.
 */
export async function packageOfOne(plugin: PluginInput): Promise<PluginPackage> {
  const [first, ...others] = await packagesOf([plugin]);
  if (first !== undefined && others.length === 0) return first;
  throw createError(
    'kernel/invalid-option',
    `'${String(plugin)}' holds ${others.length + 1} plugins: give the folder of one`,
  );
}

async function packagesIn(folder: string): Promise<readonly PluginPackage[]> {
  const { directorySource } = await loadNodeHost(folder);
  const found: PluginPackage[] = [];
  try {
    for await (const one of directorySource(folder).discover()) found.push(one);
  } catch (cause) {
    throw createError(
      'plugin/source-failed',
      `the plugins in '${folder}' can't be read: ${messageOf(cause)}`,
      { cause },
    );
  }
  if (found.length > 0) return found;
  throw createError(
    'plugin/source-failed',
    `'${folder}' holds no plugin: a plugin is a folder with a plugin.json`,
  );
}

async function packageIn(
  plugin: PackageInput | PluginPackage,
  index: number,
): Promise<PluginPackage> {
  if (typeof plugin !== 'object' || plugin === null || !('manifest' in plugin))
    throw createError(
      'kernel/invalid-option',
      `the plugin at ${index} is none: give { manifest, code }, { manifest, plugin }, or a folder in Node`,
    );
  if (typeof plugin.code === 'function') return plugin as PluginPackage;
  const { packageOf } = await loadKernel();
  return packageOf(plugin as PackageInput, index);
}
