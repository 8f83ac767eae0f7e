/** `import code from './plugin.ts?bundle'`: the text of a plugin as an author's bundler makes it. */
import { rolldown } from 'rolldown';
import type { Plugin } from 'vite';

const SUFFIX = '?bundle';

/** A plugin for Vite. */
export function bundledPlugins(): Plugin {
  return {
    name: 'bundled-plugins',
    enforce: 'pre',
    async resolveId(id, importer) {
      if (!id.endsWith(SUFFIX)) return undefined;
      const found = await this.resolve(id.slice(0, -SUFFIX.length), importer, { skipSelf: true });
      return found === null ? undefined : `${found.id}${SUFFIX}`;
    },
    async load(id) {
      if (!id.endsWith(SUFFIX)) return undefined;
      const bundle = await rolldown({ input: id.slice(0, -SUFFIX.length), platform: 'browser' });
      const { output } = await bundle.generate({
        format: 'es',
        minify: true,
        codeSplitting: false,
      });
      await bundle.close();
      return `export default ${JSON.stringify(output[0].code)};`;
    },
  };
}
