/**
 * Builds the database worker of `@plinth/sql` into one file, with SQLite in WebAssembly beside it,
 * so that a page needs neither an import map nor another package for it.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const sql = join(root, 'extensions/sql');
const out = join(sql, 'dist/browser');

/** Files of the package that are never started. A bundler would look for them. */
const UNUSED = ['sqlite3-opfs-async-proxy.js', 'sqlite3-worker1.mjs'];

const withoutUnused: Plugin = {
  name: 'without-unused',
  transform(code, id) {
    if (!id.includes('@sqlite.org')) return undefined;
    return UNUSED.reduce((text, file) => {
      const started = `new URL("${file}", import.meta.url)`;
      if (!text.includes(started)) throw new Error(`${id} doesn't start ${file} as expected`);
      return text.replaceAll(started, 'new URL("about:blank")');
    }, code);
  },
};

/** Writes `browser/database-worker.js`, its license and `browser/sqlite3.wasm`. */
export async function buildDatabaseWorker(): Promise<void> {
  const { output } = await build({
    // Not what tsc has written: the last build has replaced it.
    input: join(sql, 'src/browser/database-worker.ts'),
    platform: 'browser',
    logLevel: 'warn',
    write: false,
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    plugins: [withoutUnused],
    output: { format: 'es', minify: true, comments: false, codeSplitting: false },
  });
  const [chunk, ...more] = output;
  if (more.length > 0 || chunk.imports.length > 0)
    throw new Error('the database worker must be one file');
  const packages = join(root, 'node_modules/@sqlite.org/sqlite-wasm/dist');
  const source = await readFile(join(packages, 'index.mjs'), 'utf8');
  await writeFile(join(out, 'database-worker.js'), chunk.code);
  await writeFile(join(out, 'sqlite.LICENSE'), licenseIn(source));
  await copyFile(join(packages, 'sqlite3.wasm'), join(out, 'sqlite3.wasm'));
}

/** The license that the package has as its first comment. */
function licenseIn(source: string): string {
  const comment = /\/\* @preserve\n([\s\S]*?)\*\//.exec(source)?.[1];
  if (comment === undefined) throw new Error('the license of SQLite has moved');
  return comment.replaceAll(/^\*\* ?/gm, '');
}
