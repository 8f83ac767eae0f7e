/**
 * `@plinth/kernel/supervision`: plugins whose guest crashes, hangs or stays silent come back.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { SupervisionOptions } from './options.js';

export type { SupervisionOptions } from './options.js';

/**
 * Restarts plugins after unexpected ends, with back-off, state and quarantine. Options that make no
 * sense let `start()` fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({ extensions: [supervision({ crashes: 3 })] });
 */
export const supervision = makeExtension(
  { name: 'supervision', uses: ['core'] },
  (given: SupervisionOptions | true = {}) => ({
    install({ core }) {
      core.fill('supervision', async () => {
        const [{ Supervisor }, { supervisionOf }] = await Promise.all([
          import('./supervisor.js'),
          import('./options.js'),
        ]);
        const options = supervisionOf(given);
        return (tenant) =>
          new Supervisor({
            options,
            hookTimeout: tenant.limits.hook,
            debugged: () => tenant.debugged(),
            ...tenant.reporting,
            reconsider: (plugin) => tenant.lifecycle.reconsider(plugin),
          });
      });
    },
  }),
);
