/**
 * Builds everything: types and modules by tsc, the worker entries and the demo's plugins as single
 * files by Vite.
 */
import { spawnSync } from 'node:child_process';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { buildDatabaseWorker } from './build-database-worker.ts';
import { buildForNode } from './build-node.ts';
import { buildPlugins } from './build-plugins.ts';
import { buildStandalone } from './build-standalone.ts';
import { buildTexts } from './build-texts.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

tsc();
// CommonJS starts faster in Node; browsers know only modules and scripts.
await buildWorker('host-node', 'cjs');
const source = await buildWorker('host-browser', 'es');
await writeFile(
  join(root, 'host-browser/dist/worker-source.js'),
  `/** Text of plugin-worker.js. */\nexport const source = ${JSON.stringify(source)};\n`,
);
await buildTexts();
await buildForNode();
await buildStandalone();
await buildDatabaseWorker();
await buildPlugins();

function tsc(): void {
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-b'],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** Replaces tsc's copy of a worker entry by one file that imports only Node's own modules. */
async function buildWorker(folder: string, format: 'es' | 'cjs'): Promise<string> {
  const file = format === 'es' ? 'plugin-worker.js' : 'plugin-worker.cjs';
  const oneFile: Plugin = {
    name: 'one-file',
    generateBundle(_, bundle) {
      const chunk = bundle[file];
      if (chunk?.type !== 'chunk' || chunk.imports.some((name) => !name.startsWith('node:')))
        throw new Error(`${folder}/${file} must be one file`);
    },
  };
  const dist = join(root, folder, 'dist');
  await build({
    configFile: false,
    logLevel: 'warn',
    root: join(root, folder),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2023',
      minify: true,
      lib: {
        entry: { 'plugin-worker': 'src/plugin-worker.ts' },
        formats: [format],
        fileName: () => file,
      },
      rolldownOptions: { external: /^node:/, output: { minify: true } },
    },
    plugins: [oneFile],
  });
  if (format === 'cjs') {
    await rm(join(dist, 'plugin-worker.js'), { force: true });
    await copyFile(join(dist, 'plugin-worker.d.ts'), join(dist, 'plugin-worker.d.cts'));
  }
  return readFile(join(dist, file), 'utf8');
}
