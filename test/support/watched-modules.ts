/**
 * While tests are watched, packages that have bundles for Node are taken as modules: the compiler
 * writes those with each change, and a build writes the bundles.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['kernel', 'sdk'] as const;

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly node?: string; readonly default?: string }>>;
}

/** A plugin for Vite. It does nothing in a run that ends by itself. */
export function watchedModules(): Plugin {
  const modules = new Map(process.argv.includes('run') ? [] : FOLDERS.flatMap(modulesOf));
  return { name: 'watched-modules', enforce: 'pre', resolveId: (id) => modules.get(id) };
}

function modulesOf(folder: string): readonly (readonly [id: string, file: string])[] {
  const { name, exports } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  ) as Manifest;
  return Object.entries(exports).flatMap(([path, entry]) =>
    entry.node === undefined || entry.default === undefined
      ? []
      : [[join(name, path).replaceAll('\\', '/'), join(root, folder, entry.default)] as const],
  );
}
