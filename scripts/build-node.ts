/**
 * Bundles the entry points of a package for Node into few files. Node opens, parses and links each
 * module of a graph by itself, and hundreds of small ones take most of a start. Bundlers for pages
 * get the modules themselves, so that a page has only what it uses.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { BUNDLED_FOR_NODE, nodeEntries } from './node-entries.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes the bundles of all packages that have some. */
export async function buildForNode(): Promise<void> {
  for (const folder of BUNDLED_FOR_NODE) await bundle(folder);
}

/** Writes what the condition `node` of a package's exports names, and the chunks they share. */
async function bundle(folder: string): Promise<void> {
  const out = join(root, folder, 'dist/node');
  const input = Object.fromEntries(
    nodeEntries(folder).flatMap(({ module, bundle }) =>
      bundle === undefined ? [] : [[relative(out, bundle).replace(/\.js$/, ''), module]],
    ),
  );
  const { output } = await build({
    input,
    platform: 'node',
    logLevel: 'warn',
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    write: false,
    output: { format: 'es', chunkFileNames: 'chunk-[name].js' },
  });
  const files = output.map((file) => {
    if (file.type !== 'chunk') throw new Error(`${folder}: ${file.fileName} is no module`);
    return { name: file.fileName, text: file.code };
  });
  await replaceFiles(out, files);
}

/** What is the same stays untouched: a program that runs may still load it. */
async function replaceFiles(
  folder: string,
  files: readonly { readonly name: string; readonly text: string }[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, text } of files) {
    const path = join(folder, name);
    const old = await readFile(path, 'utf8').catch(() => undefined);
    if (old !== text) await writeFile(path, text);
  }
  const names = new Set(files.map(({ name }) => name));
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name));
}
