/** For authors: `vite build` in a plugin's folder writes what `plinth bundle` writes. */
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { type BundleOptions, bundlePlugin, type PluginBundle } from '../bundle/bundle-plugin.js';
import { isFile } from '../bundle/find-entry.js';
import { checkOut, writePackage } from '../bundle/write-package.js';
import { ViteError } from './vite-error.js';

const ENTRY = '\0plinth-package';

/** Takes the place of Vite's own build where the root has a `plugin.json`. */
export function packageBuild(options: BundleOptions, archived: boolean): Plugin {
  let root: string | undefined;
  let out = '';
  let bundle: PluginBundle | undefined;
  return {
    name: 'plinth:package',
    apply: 'build',
    enforce: 'pre',
    async config(user) {
      const folder = resolve(user.root ?? '.');
      root = (await isFile(join(folder, 'plugin.json'))) ? folder : undefined;
      if (root === undefined) return null;
      out = resolve(root, user.build?.outDir ?? 'dist/plugin');
      return {
        build: {
          outDir: out,
          // The folder is replaced as a whole.
          emptyOutDir: false,
          copyPublicDir: false,
          reportCompressedSize: false,
          rolldownOptions: { input: ENTRY },
        },
      };
    },
    resolveId: (id) => (id === ENTRY ? id : null),
    async load(id) {
      if (id !== ENTRY || root === undefined) return null;
      this.addWatchFile(join(root, 'plugin.json'));
      for (const input of bundle?.inputs ?? []) this.addWatchFile(input);
      try {
        await checkOut(root, out);
        bundle = await bundlePlugin(root, options);
      } catch (error) {
        throw new ViteError(error, root);
      }
      for (const input of bundle.inputs) this.addWatchFile(input);
      return 'export {};';
    },
    generateBundle(_, output) {
      if (root === undefined) return;
      for (const name of Object.keys(output)) delete output[name];
    },
    async writeBundle() {
      if (root === undefined || bundle === undefined) return;
      await writePackage(out, bundle, archived);
      const { manifest, unconverted } = bundle;
      for (const schema of unconverted)
        this.warn(
          `${schema}: parts of it can't be said as JSON Schema, and are not in the manifest`,
        );
      this.info(`bundled ${manifest.id} ${manifest.version}`);
    },
  };
}
