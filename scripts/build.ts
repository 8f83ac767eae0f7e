/** Builds everything: types and modules by tsc, the worker entries and the demo's plugins as single files by Vite. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { buildPlugins } from './build-plugins.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

tsc();
await buildWorker('host-node');
const source = await buildWorker('host-browser');
await writeFile(join(root, 'host-browser/dist/worker-source.js'), `/** Text of plugin-worker.js. */\nexport const source = ${JSON.stringify(source)};\n`);
await buildPlugins();

function tsc(): void {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Replaces tsc's copy of a worker entry by one file that imports nothing but Node's own modules. */
async function buildWorker(folder: string): Promise<string> {
  const oneFile: Plugin = {
    name: 'one-file',
    generateBundle(_, bundle) {
      const chunk = bundle['plugin-worker.js'];
      if (chunk?.type !== 'chunk' || chunk.imports.some((name) => !name.startsWith('node:'))) throw new Error(`${folder}/plugin-worker.js must be one file`);
    },
  };
  await build({
    configFile: false,
    logLevel: 'warn',
    root: join(root, folder),
    build: {
      outDir: 'dist',
      emptyOutDir: false,
      target: 'es2023',
      minify: true,
      lib: { entry: { 'plugin-worker': 'src/plugin-worker.ts' }, formats: ['es'] },
      rolldownOptions: { external: /^node:/, output: { minify: true } },
    },
    plugins: [oneFile],
  });
  return readFile(join(root, folder, 'dist/plugin-worker.js'), 'utf8');
}
