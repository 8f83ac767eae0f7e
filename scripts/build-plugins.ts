/** Bundles plugins: one ES module each, for every isolation, with its manifest beside it. */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles one plugin folder (`plugin.json`, `src/index.ts`) into a folder of two files. */
export async function buildPlugin(folder: string, out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  await build({
    configFile: false,
    logLevel: 'warn',
    root: folder,
    build: {
      outDir: out,
      emptyOutDir: false,
      target: 'es2023',
      minify: true,
      copyPublicDir: false,
      lib: { entry: { plugin: join(folder, 'src/index.ts') }, formats: ['es'] },
      rolldownOptions: { external: /^node:/, output: { codeSplitting: false, minify: true } },
    },
  });
  await copyFile(join(folder, 'plugin.json'), join(out, 'plugin.json'));
}

/**
 * Bundles every demo plugin into `demo-app/dist/plugins`, and later versions of some of them into
 * `demo-app/dist/updates`.
 */
export async function buildPlugins(): Promise<void> {
  for (const kind of ['plugins', 'updates']) {
    const from = join(root, 'demo-app', kind);
    const folders = await readdir(from).catch(() => []);
    for (const name of folders)
      await buildPlugin(join(from, name), join(root, 'demo-app/dist', kind, name));
  }
}
