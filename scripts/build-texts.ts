/**
 * Builds the texts that walled guests are started from, and writes them into the modules that
 * export them.
 */

import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Rollup } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes `process-source.js` and `frame-source.js`. */
export async function buildTexts(): Promise<void> {
  const ses = createRequire(import.meta.url)
    .resolve('ses/package.json')
    .replace('package.json', '');
  const hardened = await readFile(`${ses}dist/ses.umd.min.js`, 'utf8');
  for (const host of ['host-node', 'host-browser'])
    await copyFile(`${ses}LICENSE`, join(root, host, 'dist/ses.LICENSE'));
  const runtime = `(() => {${await textOf('sdk/src/sandbox/inside.ts', 'plinthGuest')}\nreturn plinthGuest;})()`;
  // Hardened JavaScript refuses these anywhere in a text.
  const refused = /\bimport\s*(?:\(|\.|\/)|\beval\s*\(|<!--|-->/.exec(runtime);
  if (refused !== null)
    throw new Error(
      `the guest runtime holds a text that hardened JavaScript refuses: ${runtime.slice(refused.index - 40, refused.index + 40)}`,
    );
  await write('host-node/dist/process-source.js', {
    hardened,
    boot: await textOf('host-node/src/plugin-process.ts', 'plinthProcess'),
    runtime,
  });
  await write('host-browser/dist/frame-source.js', {
    hardened,
    boot: await textOf('host-browser/src/plugin-frame.ts', 'plinthFrame'),
    runtime,
  });
  await writeFile(
    join(root, 'host-browser/dist/plinth-frame.js'),
    `${await textOf('host-browser/src/frame-page.ts', 'plinthPage')}\nplinthPage.framePage();\n`,
  );
  await writeFile(
    join(root, 'host-browser/dist/plinth-frame.html'),
    '<!doctype html>\n<meta charset="utf-8">\n<title>plinth</title>\n<script src="plinth-frame.js"></script>\n',
  );
}

async function write(file: string, texts: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(texts).map(
    ([name, text]) => `export const ${name} = ${JSON.stringify(text)};`,
  );
  await writeFile(
    join(root, file),
    `/** Built from sources; see scripts/build-texts.ts. */\n${lines.join('\n')}\n`,
  );
}

/** Bundles an entry into one file without imports that defines one name. */
async function textOf(entry: string, name: string): Promise<string> {
  const result = (await build({
    configFile: false,
    logLevel: 'warn',
    root,
    build: {
      write: false,
      target: 'es2023',
      minify: true,
      lib: { entry: join(root, entry), formats: ['iife'], name, fileName: () => `${name}.js` },
    },
  })) as Rollup.RollupOutput[] | Rollup.RollupOutput;
  const [{ output }] = [result].flat() as [Rollup.RollupOutput];
  const [chunk, ...more] = output;
  if (more.length > 0 || chunk.type !== 'chunk' || chunk.imports.length > 0)
    throw new Error(`${entry} must be one file`);
  return chunk.code;
}
