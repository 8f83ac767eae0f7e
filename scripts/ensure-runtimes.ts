/**
 * Installs the runtimes that only the matrix needs, in `test/matrix/runtimes/`, when a leg needs
 * one that is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LegName } from '../test/matrix/legs.ts';

/**
 * Has a `package.json` and a lock file of its own, so that `npm install` of the workspace stays
 * small.
 */
const folder = fileURLToPath(new URL('../test/matrix/runtimes/', import.meta.url));

/** The program of each runtime, under `node_modules` of that folder. */
const PROGRAMS = {
  node22: 'node22/bin/node',
  node26: 'node26/bin/node',
  bun: 'bun/bin/bun.exe',
} as const satisfies Partial<Record<LegName, string>>;

type Runtime = keyof typeof PROGRAMS;

/** Where the program of a runtime is once it is installed. */
export function runtimeProgram(runtime: Runtime): string {
  return join(folder, 'node_modules', PROGRAMS[runtime]);
}

/** Exits with one line that says what to do when the runtimes can't be installed. */
export function ensureRuntimes(legs: readonly LegName[]): void {
  const missing = (Object.keys(PROGRAMS) as Runtime[]).filter(
    (runtime) => legs.includes(runtime) && !isInstalled(runtime),
  );
  if (missing.length === 0) return;
  console.log(`Not installed: ${missing.join(', ')}. Installing the runtimes of the matrix.`);
  const { status } = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    timeout: 600_000,
  });
  if (status === 0 && missing.every(isInstalled)) return;
  console.error(`Could not install ${missing.join(', ')}: run npm ci in ${folder}`);
  process.exit(1);
}

/** Whether the version that `package.json` asks for is there, with its program. */
function isInstalled(runtime: Runtime): boolean {
  const manifest = join(folder, 'node_modules', runtime, 'package.json');
  if (!existsSync(manifest) || !existsSync(runtimeProgram(runtime))) return false;
  const { dependencies } = read(join(folder, 'package.json'));
  return dependencies?.[runtime]?.replace('npm:node@', '') === read(manifest).version;
}

function read(file: string): {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(file, 'utf8'));
}
