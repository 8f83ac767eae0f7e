/**
 * One leg of the matrix: the same files in the runtime that `PLINTH_LEG` names. `scripts/matrix.ts`
 * runs them all.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { bundledPlugins } from '../support/bundled-plugins.ts';
import { RUNTIME_SUITES } from '../support/runtime-suites.ts';
import { LEGS, type LegName, legOf } from './legs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The leg that runs. */
    leg: LegName;
  }
}

const leg = legOf(process.env.PLINTH_LEG ?? 'node24');
const inBrowser = LEGS[leg].drive === 'browser';

export default defineConfig(async () => ({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  plugins: [bundledPlugins()],
  ...(inBrowser && { resolve: { conditions: ['browser', 'module'] } }),
  test: {
    name: leg,
    include: [
      `test/host/{${RUNTIME_SUITES.join(',')}}.test.ts`,
      'test/{rpc,storage,matrix}/*.test.ts',
      // Suites of pages take some minutes in each browser: `PLINTH_PAGES=1` adds them.
      ...(inBrowser && process.env.PLINTH_PAGES === '1' ? ['test/{ui,sql}/*.browser.test.ts'] : []),
    ],
    // Other tests of one kind of runtime differ between legs; and the mutants test the tests.
    exclude: [
      '**/*.{node,full}.*',
      'test/{host,rpc,storage,matrix}/*.browser.*',
      'test/rpc/mutants.test.ts',
    ],
    reporters: [process.env.CI ? 'dot' : 'default', './test/matrix/leg-reporter.ts'],
    globalSetup: './test/support/witness-server.ts',
    provide: { leg },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    ...(inBrowser ? { browser: await browserSettings() } : { pool: 'forks' as const }),
  },
}));

async function browserSettings() {
  const { browserOf } = await import('./browsers.ts');
  const { browser, provider } = browserOf(leg);
  return {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    provider,
    instances: [{ browser }],
  };
}
