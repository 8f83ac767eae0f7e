/**
 * One leg of the matrix: the same files in the runtime that `PLINTH_LEG` names. `scripts/matrix.ts`
 * runs them all.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { RUNTIME_SUITES } from '../support/runtime-suites.ts';
import { LEGS, type LegName, legOf } from './legs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The leg that runs. */
    leg: LegName;
  }
}

const leg = legOf(process.env.PLINTH_LEG ?? 'node24');

export default defineConfig(async () => ({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  ...(LEGS[leg].drive === 'browser' && { resolve: { conditions: ['browser'] } }),
  test: {
    name: leg,
    include: [
      `test/host/{${RUNTIME_SUITES.join(',')}}.test.ts`,
      'test/{rpc,storage,matrix}/*.test.ts',
    ],
    // Tests of one kind of runtime differ between legs; and the mutants test the tests.
    exclude: ['**/*.{node,browser,full}.*', 'test/rpc/mutants.test.ts'],
    reporters: [process.env.CI ? 'dot' : 'default', './test/matrix/leg-reporter.ts'],
    globalSetup: './test/support/witness-server.ts',
    provide: { leg },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    ...(LEGS[leg].drive === 'browser'
      ? { browser: await browserSettings() }
      : { pool: 'forks' as const }),
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
