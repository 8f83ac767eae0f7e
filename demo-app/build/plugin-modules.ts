/** Bundles what plugins of the editor may import, each module as one text. */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { PluginModules } from '../playground/editor/compile.ts';
import { moduleOf } from './module-of.ts';

/**
 * What there is to import, and what is left out of it. `parseManifest` and `compat` are for tools,
 * and would be the most of each plugin.
 */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  '@plinth/sdk': ['parseManifest', 'compat'],
  '@plinth/ui': [],
};

type Names = PluginModules['names'];

/** Makes the texts of what is built now. */
export async function pluginModules(): Promise<PluginModules> {
  const names: Record<string, readonly string[]> = {};
  for (const [module, left] of Object.entries(MODULES))
    names[module] = Object.keys((await import(module)) as object)
      .filter((name) => !left.includes(name))
      .sort();
  const sdk = '@plinth/sdk';
  return {
    names,
    // The second module imports the first, and both have to have the same one.
    texts: {
      [sdk]: await textOf(names, [sdk]),
      '@plinth/ui': await textOf(names, [sdk, '@plinth/ui']),
    },
  };
}

const ENTRY = '\0entry';

async function textOf(names: Names, modules: readonly string[]): Promise<string> {
  const bundle = await rolldown({
    input: ENTRY,
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? entryOf(names, modules) : undefined),
      },
    ],
  });
  try {
    const { output } = await bundle.generate({
      format: 'iife',
      name: 'plinthModules',
      minify: true,
    });
    const [chunk, ...more] = output;
    if (more.length > 0) throw new Error('what plugins import must be one file');
    return chunk.code.trim();
  } finally {
    await bundle.close();
  }
}

/** A module whose default export is a record of modules. */
function entryOf(names: Names, modules: readonly string[]): string {
  const imports = modules.map((module, at) => {
    const list = names[module]?.map((name) => `${name} as m${at}_${name}`).join(', ');
    return `import { ${list} } from ${JSON.stringify(fileURLToPath(moduleOf(module)))};`;
  });
  const members = modules.map((module, at) => {
    const list = names[module]?.map((name) => `${name}: m${at}_${name}`).join(', ');
    return `${JSON.stringify(module)}: { ${list} }`;
  });
  return `${imports.join('\n')}\nexport default { ${members.join(', ')} };`;
}
