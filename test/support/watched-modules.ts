/**
 * While tests are watched, packages that have bundles for Node are taken as modules: the compiler
 * writes those with each change, and a build writes the bundles.
 */
import type { Plugin } from 'vite';
import { BUNDLED_FOR_NODE, nodeEntries } from '../../scripts/node-entries.ts';

/** A plugin for Vite. It does nothing in a run that ends by itself. */
export function watchedModules(): Plugin {
  const entries = process.argv.includes('run') ? [] : BUNDLED_FOR_NODE.flatMap(nodeEntries);
  const modules = new Map(entries.map(({ specifier, module }) => [specifier, module]));
  return { name: 'watched-modules', enforce: 'pre', resolveId: (id) => modules.get(id) };
}
