/**
 * Bundles the entry points of a package for Node into few files. Node opens, parses and links each
 * module of a graph by itself, and hundreds of small ones take most of a start. Bundlers get the
 * modules themselves, so that a page has only what it uses.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly exports: Readonly<
    Record<string, { readonly node?: string; readonly default?: string } | string>
  >;
}

/** Writes what the condition `node` of a package's exports names, and the chunks they share. */
export async function buildForNode(folder: string): Promise<void> {
  const at = join(root, folder);
  const { exports } = JSON.parse(await readFile(join(at, 'package.json'), 'utf8')) as Manifest;
  const out = join(at, 'dist/node');
  const input = Object.fromEntries(
    Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' || entry.node === undefined || entry.default === undefined
        ? []
        : [[/^\.\/dist\/node\/(.+)\.js$/.exec(entry.node)?.[1] as string, join(at, entry.default)]],
    ),
  );
  await rm(out, { recursive: true, force: true });
  await build({
    input,
    platform: 'node',
    logLevel: 'warn',
    external: /^[^./]/,
    output: { dir: out, format: 'es', chunkFileNames: 'chunk-[name]-[hash].js' },
  });
}
