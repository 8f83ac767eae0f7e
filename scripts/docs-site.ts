/**
 * Builds the site of the documentation into `docs/.vitepress/dist`: the pages by VitePress, the API
 * reference by typedoc from the built packages, and a check of every link. With `dev` it serves the
 * pages and follows changes.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { apiEntries } from './api-entries.ts';
import { checkLinks } from './check-links.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}docs/.vitepress/dist`;

/** Runs a program of a package; ends with its exit code when it fails. */
function run(program: string, ...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [`${root}${program}`, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

const vitepress = 'node_modules/vitepress/bin/vitepress.js';
if (process.argv[2] === 'dev') run(vitepress, 'dev', 'docs');
else {
  run(vitepress, 'build', 'docs');
  run(
    'docs/node_modules/typedoc/bin/typedoc',
    ...['--options', 'docs/typedoc.json', '--out', `${dist}/api`],
    ...apiEntries().keys(),
  );
  const { files, dead } = await checkLinks(dist);
  for (const link of dead) console.error(`dead link: ${link}`);
  if (dead.length > 0) process.exit(1);
  console.log(`docs/.vitepress/dist has ${files} pages without a dead link`);
}
