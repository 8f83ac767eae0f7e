/**
 * `npm test`: build, check, and run the suites in Node and Chromium. `--full` adds the long ones.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureBrowser } from './ensure-browser.ts';
import { ensurePostgres } from './ensure-postgres.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const full = process.argv.includes('--full');
const filters = process.argv.slice(2).filter((argument) => argument !== '--full');

ensureBrowser();
ensurePostgres();
step('build', process.execPath, ['scripts/build.ts']);
step('types of the demo', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'demo-app']);
step('types of the tests', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test']);
step('demo site', process.execPath, [
  'node_modules/vite/bin/vite.js',
  'build',
  'demo-app',
  '--logLevel',
  'warn',
]);
step('format and lint', process.execPath, [
  'node_modules/@biomejs/biome/bin/biome',
  'check',
  '--error-on-warnings',
  '.',
]);
step('tests', process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...filters]);

function step(what: string, command: string, args: readonly string[]): void {
  const started = performance.now();
  const { status, signal } = spawnSync(command, [...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(full && { PLINTH_TEST: 'full' }) },
  });
  console.log(
    `${what}: ${status === 0 ? 'ok' : `failed (${signal ?? status})`}, ${((performance.now() - started) / 1_000).toFixed(1)} s`,
  );
  if (status !== 0) process.exit(status ?? 1);
}
