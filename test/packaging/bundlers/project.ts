/**
 * A separate project for one way of shipping: the packed packages, one tool, and the application.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Shipping } from '../bundlers.ts';
import { PACKAGES, type Packed } from '../packed.ts';

const folderOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
// The Node of its programs is always the same version.
const bin = folderOf('../../../node_modules/.bin');
const run = promisify(execFile);

/**
 * Installs exactly what this way needs and builds the application, its page in `dist`. Rejects with
 * a program's output when it failed.
 *
 * @param other the folder of another page than that of the application.
 */
export async function ship(
  { folder, tarballs }: Packed,
  shipping: Shipping,
  other?: string,
): Promise<string> {
  const project = join(
    folder,
    `${shipping.tool} ${shipping.way} ${other ?? ''}`.trim().replaceAll(/\W+/g, '-').toLowerCase(),
  );
  await cp(folderOf('app'), project, { recursive: true });
  if (shipping.files !== undefined)
    await cp(folderOf(shipping.files), project, { recursive: true });
  if (other !== undefined) await cp(folderOf(other), project, { recursive: true });
  const file = join(project, 'package.json');
  const own = await readFile(file, 'utf8').catch(() => '{}');
  const dependencies = Object.fromEntries(
    PACKAGES.map((name) => [`@plinth/${name}`, `file:${tarballs[name]}`]),
  );
  await writeFile(
    file,
    JSON.stringify({
      name: 'shipped',
      private: true,
      type: 'module',
      dependencies,
      ...(JSON.parse(own) as object),
    }),
  );
  await program(project, [
    'npm',
    'install',
    '--no-save',
    '--no-package-lock',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    ...shipping.packages,
  ]);
  // A tool takes the scripts of a page; other files are served unchanged.
  for (const command of shipping.build) await program(project, command);
  const greeter = join(project, shipping.way === 'dev' ? 'public' : 'dist', 'plugins/greeter');
  await mkdir(greeter, { recursive: true });
  await cp(join(project, 'plugin/plugin.json'), join(greeter, 'plugin.json'));
  await cp(join(project, 'index.html'), join(project, 'dist/index.html'), { force: false });
  return project;
}

/** Runs a program that the project has installed, Node or npm. Returns its output. */
export async function program(
  project: string,
  [name = '', ...args]: readonly string[],
): Promise<string> {
  // Variables of this test runner would affect the tools.
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  const path = [join(project, 'node_modules/.bin'), bin, process.env.PATH].join(delimiter);
  try {
    const { stdout } = await run(name, args, {
      cwd: project,
      env: { ...env, PATH: path },
      timeout: 180_000,
    });
    return stdout;
  } catch (error) {
    const { message, stdout, stderr } = error as {
      message: string;
      stdout: string;
      stderr: string;
    };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
