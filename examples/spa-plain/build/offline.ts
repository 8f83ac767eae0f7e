/** Writes the service worker, with the list of all files that were built. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

export function offline(): Plugin {
  let out = '';
  return {
    name: 'offline',
    apply: 'build',
    configResolved({ root, build }) {
      out = resolve(root, build.outDir);
    },
    // By now the files of `public` are copied, too.
    async closeBundle() {
      const entries = await readdir(out, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((one) => one.isFile() && one.name !== 'service-worker.js')
        .map((one) =>
          join(one.parentPath, one.name)
            .slice(out.length + 1)
            .replaceAll('\\', '/'),
        )
        .sort();
      const digest = createHash('sha256');
      for (const file of files) digest.update(file).update(await readFile(join(out, file)));
      const code = await readFile(join(import.meta.dirname, 'service-worker.js'), 'utf8');
      const version = digest.digest('hex').slice(0, 16);
      await writeFile(
        join(out, 'service-worker.js'),
        `const VERSION = '${version}';\nconst FILES = ${JSON.stringify(files)};\n${code}`,
      );
    },
  };
}
