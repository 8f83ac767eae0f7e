/** The quick tests, in Node and Chromium. All runtimes are in `test/matrix/`; the playground has its own configuration in `demo-app/`. */
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import type { BrowserConfigOptions } from 'vitest/node';
import { chromiumArguments, findChromium } from './scripts/find-chromium.ts';
import { bundledPlugins } from './test/support/bundled-plugins.ts';
import { PAGE_SUITES } from './test/support/runtime-suites.ts';
import { watchedModules } from './test/support/watched-modules.ts';

const full = process.env.PLINTH_TEST === 'full';
const long = full ? [] : ['test/**/*.full.*'];
/** In quick runs Chromium leaves the own work of the kernel and of its extensions to Node. */
const inChromium = full
  ? ['test/**/*.test.ts']
  : [
      `test/host/{${PAGE_SUITES.join(',')}}.test.ts`,
      'test/**/*.browser.test.ts',
      'test/{security,storage,ui}/**/*.test.ts',
    ];
/** Each leg of the matrix runs it. */
const ofMatrix = full ? [] : ['test/rpc/codec.test.ts'];
const executablePath = findChromium();

const react18 = (name: string) =>
  fileURLToPath(new URL(`test/react-18/node_modules/${name}`, import.meta.url));

/** A headless Chromium. Each project has an object of its own, as vitest writes its name into it. */
const startBrowser = (): BrowserConfigOptions => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: {
      ...(executablePath && { executablePath }),
      args: [...chromiumArguments()],
    },
  }),
  instances: [{ browser: 'chromium' }],
});

export default defineConfig({
  plugins: [bundledPlugins(), watchedModules()],
  test: {
    reporters: ['default', './test/support/summary-reporter.ts'],
    provide: { full },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes; how soon is up to the machine.
    expect: { poll: { timeout: 10_000 } },
    // Most of the time a test waits for a worker or a timer: two files at a time keep two cores busy.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts', 'demo-app/{plugins,updates,playground}/**/*.test.ts'],
          exclude: [
            'test/**/*.browser.*',
            'test/e2e/**',
            'test/packaging/**',
            'test/matrix/**',
            'test/kernel/**',
            ...long,
            ...ofMatrix,
          ],
          globalSetup: './test/support/witness-server.ts',
          pool: 'forks',
        },
      },
      {
        extends: true,
        test: {
          // Small tests of pure parts. They leave nothing behind, so they share a process.
          name: 'units',
          include: ['test/kernel/**/*.test.ts'],
          exclude: long,
          pool: 'forks',
          isolate: false,
        },
      },
      {
        extends: true,
        // OpenTelemetry's API is a module only under `module`.
        resolve: { conditions: ['browser', 'module'] },
        test: {
          name: 'chromium',
          include: [...inChromium, 'demo-app/plugins/**/*.test.ts'],
          exclude: [
            '**/*.node.*',
            'test/e2e/**',
            'test/packaging/**',
            'test/matrix/**',
            'test/house/**',
            'test/types/**',
            ...long,
            ...ofMatrix,
          ],
          globalSetup: './test/support/witness-server.ts',
          browser: startBrowser(),
        },
      },
      {
        extends: true,
        // Views in React again, with the oldest version that an application may have.
        resolve: {
          conditions: ['browser', 'module'],
          alias: { react: react18('react'), 'react-dom': react18('react-dom') },
        },
        // Found too late, they reload a test that runs.
        optimizeDeps: { include: ['react', 'react-dom', 'react-dom/client'] },
        test: {
          name: 'react-18',
          include: full ? ['test/ui/{kept,react,rows,typing}.browser.test.ts'] : [],
          setupFiles: './test/react-18/check-version.ts',
          globalSetup: './test/support/witness-server.ts',
          browser: startBrowser(),
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/packaging/**/*.test.ts'],
          exclude: long,
          pool: 'forks',
          // After the others: builds and browsers of its own would keep them from their processor.
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
