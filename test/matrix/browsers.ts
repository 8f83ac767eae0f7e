/** How vitest starts each browser. Loaded in the legs that drive one. */
import { playwright } from '@vitest/browser-playwright';
import type { Page } from 'playwright';
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
  path === undefined
    ? playwright()
    : findingFrames(
        playwright({ launchOptions: { channel: 'moz-firefox', executablePath: path } }),
      );

/**
 * Vitest finds the frame of a test by its name. In this channel the name may come after the frame
 * has been told of, and is then never heard.
 */
const findingFrames = (option: BrowserProviderOption): BrowserProviderOption => ({
  ...option,
  providerFactory(project) {
    const provider = option.providerFactory(project);
    const contextOf = provider.getCommandsContext.bind(provider);
    provider.getCommandsContext = (session) => {
      const context = contextOf(session);
      const frame = async () => {
        const element = await (context.page as Page).waitForSelector('iframe[data-vitest]');
        return element.contentFrame();
      };
      return { ...context, frame };
    };
    return provider;
  },
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
