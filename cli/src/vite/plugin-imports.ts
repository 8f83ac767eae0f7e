/** For applications: `import notes from 'plinth:../plugins/notes'`. */
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment, Plugin } from 'vite';
import type { BundleOptions } from '../bundle/bundle-plugin.js';
import { Inspector } from '../bundle/inspect.js';
import { DevPlugins } from './dev-plugins.js';
import { loadModule } from './load-module.js';
import { ViteError } from './vite-error.js';

const PREFIX = 'plinth:';
/** With Rollup's mark of modules that are no files. */
const MODULE = `\0${PREFIX}`;
const CLIENT = '@plinth/cli/vite/client';

const moduleId = (folder: string) => MODULE + folder.split(sep).join('/');

/** Resolves and bundles the plugins that an application imports. */
export function pluginImports(options: BundleOptions): Plugin {
  // A dev server that starts again has the plugin in common with the one before.
  const served = new WeakMap<Environment, DevPlugins>();
  return {
    name: 'plinth:imports',
    enforce: 'pre',
    // A copy in one file with other packages would be replaced while the page runs.
    config: () => ({ optimizeDeps: { exclude: [CLIENT] } }),
    configureServer(server) {
      const plugins = new DevPlugins(server, options, moduleId);
      for (const environment of Object.values(server.environments))
        served.set(environment, plugins);
    },
    resolveId(source, importer) {
      if (source === CLIENT) return fileURLToPath(new URL('./client.js', import.meta.url));
      if (!source.startsWith(PREFIX)) return null;
      const path = source.slice(PREFIX.length);
      if (!/^\.\.?(\/|$)/.test(path) || importer === undefined || importer.startsWith('\0'))
        this.error(
          `cannot resolve '${source}': 'plinth:' takes the path of a plugin's folder that begins with './' or '../', relative to the importing file`,
        );
      return moduleId(resolve(dirname(importer.split(/[?#]/, 1)[0] ?? ''), path));
    },
    async load(id) {
      if (!id.startsWith(MODULE)) return null;
      const folder = resolve(id.slice(MODULE.length));
      const linked = served.get(this.environment)?.folder(folder);
      const { root } = this.environment.config;
      try {
        if (linked !== undefined) return devModule(JSON.stringify((await linked.build()).module));
        const parts = { inspector: new Inspector(), options, root, map: false };
        const { module, inputs } = await loadModule(folder, parts);
        for (const input of inputs) this.addWatchFile(input);
        return builtModule(JSON.stringify(module));
      } catch (error) {
        if (linked !== undefined) linked.refused = true;
        throw new ViteError(error, folder);
      }
    },
    async closeBundle() {
      await served.get(this.environment)?.close();
    },
  };
}

const builtModule = (module: string) => `import { pluginFromVite } from '${CLIENT}';
export default pluginFromVite(${module});
`;

const devModule = (module: string) => `import { pluginFromVite } from '${CLIENT}';
export default pluginFromVite(${module}, import.meta.hot);
if (import.meta.hot) import.meta.hot.accept();
`;
