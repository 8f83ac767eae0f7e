/** Sees to it that there is a Chromium for the tests: the system's, Playwright's download, or Debian's package. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';
import { findChromium } from './find-chromium.ts';

/** Exits with one line that says what to do when no browser can be had. */
export function ensureBrowser(): void {
  if (findChromium() !== undefined || existsSync(chromium.executablePath())) return;
  console.log('No Chromium found: getting one for the tests.');
  if (run('npx', ['playwright', 'install', 'chromium']) && existsSync(chromium.executablePath())) return;
  if (process.getuid?.() === 0 && run('apt-get', ['--version'], true)) {
    run('apt-get', ['update', '-qq'], true);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], true);
  }
  if (findChromium() !== undefined) return;
  console.error('No Chromium: install one (Debian: apt-get install chromium) or set CHROMIUM_PATH, then run this again.');
  process.exit(1);
}

function run(command: string, args: readonly string[], quiet = false): boolean {
  return spawnSync(command, [...args], { stdio: quiet ? 'ignore' : 'inherit', timeout: 600_000 }).status === 0;
}
