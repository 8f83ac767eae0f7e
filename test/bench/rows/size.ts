/**
 * The download size of a guest, minified and gzipped: the file it boots from, and the link on its
 * own. Runs in Node.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import type { Figure, Outcomes } from '../outcome.ts';

/** @param host the package whose worker file is measured. */
export async function measureSize(
  host: '@plinth/host-node' | '@plinth/host-browser',
): Promise<Outcomes> {
  const guest = await readFile(
    fileURLToPath(
      new URL(
        host === '@plinth/host-node' ? './plugin-worker.cjs' : './plugin-worker.js',
        import.meta.resolve(host),
      ),
    ),
    'utf8',
  );
  return { guest: figureOf(guest), link: figureOf(await bundleLink()) };
}

function figureOf(text: string): Figure {
  return {
    value: gzipSync(text, { level: 9 }).length / 1_000,
    detail: `${(Buffer.byteLength(text) / 1_000).toFixed(1)} kB before gzip`,
  };
}

/** Bundled as `scripts/build.ts` bundles workers. */
async function bundleLink(): Promise<string> {
  const entry = fileURLToPath(new URL('./link-alone.ts', import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      target: 'es2023',
      minify: true,
      lib: { entry, formats: ['es'] },
      rolldownOptions: { output: { minify: true } },
    },
  });
  const outputs = Array.isArray(result) ? result : [result];
  const chunks = outputs
    .flatMap((one) => ('output' in one ? one.output : []))
    .filter((one) => one.type === 'chunk');
  const [chunk] = chunks;
  if (chunk === undefined || chunks.length > 1 || chunk.imports.length > 0)
    throw new Error('the link must be one file');
  return chunk.code;
}
