/**
 * `@plinth/cli/vite`: a Vite plugin for authors of plugins and for applications that have plugins.
 *
 * @module
 */
import { checkOptionNames } from '@plinth/sdk/contract';
import type { Plugin } from 'vite';
import type { BundleOptions } from '../bundle/bundle-plugin.js';
import { packageBuild } from './package-build.js';
import { pluginImports } from './plugin-imports.js';

/** How plugins are bundled. */
export interface PlinthPluginOptions extends Omit<BundleOptions, 'contract' | 'entry'> {
  /** Source file of the plugin in Vite's root; `src/index` with a common extension when absent. */
  readonly entry?: string;
  /** Whether `vite build` of a plugin writes a `.plinth` archive; yes when absent. */
  readonly archive?: boolean;
}

const OPTIONS = ['entry', 'minify', 'maxSize', 'archive'] satisfies (keyof PlinthPluginOptions)[];

/**
 * The Vite plugin. In a folder with a `plugin.json`, `vite build` writes what `plinth bundle`
 * writes. In an application, `import notes from 'plinth:../plugins/notes'` is a source of the plugin
 * in that folder, which Vite's dev server bundles again after each save.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that don't exist.
 * @example
 * // vite.config.ts
 * import { plinthPlugin } from '@plinth/cli/vite';
 *
 * export default { plugins: [plinthPlugin()] };
 */
export function plinthPlugin(options: PlinthPluginOptions = {}): Plugin[] {
  checkOptionNames('plinthPlugin()', options, OPTIONS);
  const { entry, archive = true, ...common } = options;
  return [
    pluginImports(common),
    packageBuild({ ...common, ...(entry !== undefined && { entry }) }, archive),
  ];
}
