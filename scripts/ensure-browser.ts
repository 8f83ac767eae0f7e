/**
 * Makes sure that the browser for the tests exists: the system's, Playwright's download, or
 * Debian's package.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium, firefox, webkit } from 'playwright';
import { LEGS, type LegName } from '../test/matrix/legs.ts';
import { findFirefox, findMiniBrowser } from './find-browsers.ts';
import { findChromium, onPath } from './find-chromium.ts';

interface Need {
  readonly title: string;
  /** Whether it is usable now. */
  present(): boolean;
  /** Debian's packages for it. */
  readonly packages: readonly string[];
  /** Another way to provide it, for the message. */
  readonly variable: string;
}

const downloaded = (path: string) => existsSync(path);

const NEEDS = {
  chromium: {
    title: 'Chromium',
    present: () => findChromium() !== undefined || downloaded(chromium.executablePath()),
    packages: ['chromium'],
    variable: 'CHROMIUM_PATH',
  },
  firefox: {
    title: 'Firefox',
    present: () => findFirefox() !== undefined || downloaded(firefox.executablePath()),
    packages: ['firefox-esr'],
    variable: 'FIREFOX_PATH',
  },
  webkit: {
    title: 'WebKit',
    present: () =>
      (findMiniBrowser() !== undefined &&
        onPath('WebKitWebDriver') !== undefined &&
        hasDisplay()) ||
      (findMiniBrowser() === undefined && downloaded(webkit.executablePath())),
    packages: ['webkit2gtk-driver', 'xvfb'],
    variable: 'WEBKIT_PATH',
  },
} as const satisfies Partial<Record<LegName, Need>>;

type Browser = keyof typeof NEEDS;

const hasDisplay = () =>
  process.env.DISPLAY !== undefined ||
  process.env.WAYLAND_DISPLAY !== undefined ||
  onPath('Xvfb') !== undefined;

/** Exits with a one-line instruction when a browser can't be provided. */
export function ensureBrowser(browser: Browser = 'chromium'): void {
  const { title, present, packages, variable }: Need = NEEDS[browser];
  if (present()) return;
  console.log(`No ${title} found: getting one for the tests.`);
  const fetched = browser === 'chromium' ? [download, install] : [install, download];
  for (const get of fetched) {
    get(browser, packages);
    if (present()) return;
  }
  console.error(
    `No ${title}: install one (Debian: apt-get install ${packages.join(' ')}) or set ${variable}, then run this again.`,
  );
  process.exit(1);
}

/** The same for every browser among the legs. */
export function ensureLegs(legs: readonly LegName[]): void {
  for (const leg of legs) if (LEGS[leg].drive === 'browser') ensureBrowser(leg as Browser);
}

function download(browser: Browser): void {
  run('npx', ['playwright', 'install', browser]);
}

function install(_browser: Browser, packages: readonly string[]): void {
  if (process.getuid?.() !== 0 || !run('apt-get', ['--version'], true)) return;
  run('apt-get', ['update', '-qq'], true);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], true);
}

function run(command: string, args: readonly string[], quiet = false): boolean {
  return (
    spawnSync(command, [...args], { stdio: quiet ? 'ignore' : 'inherit', timeout: 600_000 })
      .status === 0
  );
}
