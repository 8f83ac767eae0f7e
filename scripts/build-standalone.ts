/**
 * Builds `@plinth/host-browser` and its dependencies into files that a page can import directly: no
 * bundler, no import map.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const dist = fileURLToPath(new URL('../host-browser/dist/', import.meta.url));

/**
 * Writes `standalone.js`, its chunks and the licenses of their content. The worker, the frame and
 * their texts stay separate files.
 */
export async function buildStandalone(): Promise<void> {
  for (const file of await readdir(dist))
    if (file.startsWith('standalone')) await rm(join(dist, file));
  const { output } = await build({
    input: { standalone: join(dist, 'index.js') },
    platform: 'browser',
    external: /\/frame-source\.js$/,
    logLevel: 'warn',
    // Vite would bundle the worker itself; this keeps
    // `new URL('./plugin-worker.js', import.meta.url)`.
    output: {
      dir: dist,
      format: 'es',
      minify: true,
      comments: false,
      entryFileNames: '[name].js',
      chunkFileNames: 'standalone-[name].js',
    },
  });
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  const packages = new Set(
    modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? []),
  );
  await writeFile(
    join(dist, 'standalone.LICENSE'),
    (await Promise.all([...packages].sort().map(licenseOf))).join('\n\n'),
  );
}

async function licenseOf(folder: string): Promise<string> {
  const { name, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    license: string;
  };
  const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
  return `${name}: ${license}\n\n${file === undefined ? '' : await readFile(join(folder, file), 'utf8')}`;
}
