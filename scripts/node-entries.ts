/** The entry points of a package that are modules, and the bundle that Node gets of each. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The packages that have bundles for Node, by folder. */
export const BUNDLED_FOR_NODE = ['sdk', 'kernel'] as const;

/** One entry point. Its files are absolute paths. */
export interface NodeEntry {
  /** What is imported. */
  readonly specifier: string;
  readonly module: string;
  /** Undefined for an entry point without a bundle. */
  readonly bundle: string | undefined;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<
    Record<string, { readonly node?: string; readonly default?: string } | string>
  >;
}

/** Reads the entry points of a package from the exports of its manifest. */
export function nodeEntries(folder: string): readonly NodeEntry[] {
  const at = join(root, folder);
  const { name, exports } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as Manifest;
  return Object.entries(exports).flatMap(([path, entry]) =>
    typeof entry === 'string' || !entry.default?.endsWith('.js')
      ? []
      : [
          {
            specifier: posix.join(name, path),
            module: join(at, entry.default),
            bundle: entry.node === undefined ? undefined : join(at, entry.node),
          },
        ],
  );
}
