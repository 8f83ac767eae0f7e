/** How vitest starts each browser. Loaded in the legs that drive one. */
import { playwright } from '@vitest/browser-playwright';
import type { BrowserProviderOption } from 'vitest/node';
import { findFirefox, findMiniBrowser } from '../../scripts/find-browsers.ts';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';
import type { LegName } from './legs.ts';
import { webkitGtk } from './webkit-provider.ts';

const executable = (path: string | undefined) =>
  path === undefined ? {} : { executablePath: path };

/**
 * A system's Firefox speaks WebDriver BiDi, for which Playwright has a channel. Without one,
 * Playwright's own build is used.
 */
const firefox = (path: string | undefined) =>
  playwright({
    launchOptions: path === undefined ? {} : { channel: 'moz-firefox', executablePath: path },
  });

const webkit = (path: string | undefined) => (path === undefined ? playwright() : webkitGtk(path));

/** The browser of a leg, and its driver. */
export function browserOf(leg: LegName): {
  readonly browser: 'chromium' | 'firefox' | 'webkit';
  readonly provider: BrowserProviderOption;
} {
  if (leg === 'firefox') return { browser: 'firefox', provider: firefox(findFirefox()) };
  if (leg === 'webkit') return { browser: 'webkit', provider: webkit(findMiniBrowser()) };
  return {
    browser: 'chromium',
    provider: playwright({
      launchOptions: { ...executable(findChromium()), args: [...chromiumArguments()] },
    }),
  };
}
