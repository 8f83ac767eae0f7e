/** The examples run with the packages as they are published, each in a folder with nothing else. */
import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, it } from 'vitest';
import { WHOLE_EXAMPLES } from './examples.ts';
import { PACKAGES, type Packed, pack } from './packed.ts';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

/** What the workspace builds in an example's folder. */
const BUILT = ['dist', 'public', 'data', 'node_modules'];

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
}, 300_000);
afterAll(() => packed?.remove());

/** Copies an example, and installs it with the tarballs in place of what the registry has. */
async function install(name: string): Promise<string> {
  const folder = join(packed.folder, name);
  const from = join(examples, name);
  const built = BUILT.map((one) => join(from, one));
  await cp(from, folder, { recursive: true, filter: (path) => !built.includes(path) });
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const others = Object.fromEntries(
    Object.entries(manifest.devDependencies).filter(([one]) => !one.startsWith('@plinth/')),
  );
  const tarballs = PACKAGES.map((one) => [`@plinth/${one}`, `file:${packed.tarballs[one]}`]);
  await writeFile(
    file,
    JSON.stringify({
      ...manifest,
      dependencies: { ...manifest.dependencies, ...Object.fromEntries(tarballs) },
      devDependencies: others,
    }),
  );
  await promisify(execFile)(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'],
    { cwd: folder, env, timeout: 300_000 },
  );
  return folder;
}

it.each(Object.entries(WHOLE_EXAMPLES))(
  'examples/%s runs from tarballs',
  async (name, check) => check(await install(name)),
  600_000,
);
