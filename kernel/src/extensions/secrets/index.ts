/**
 * `@plinth/kernel/secrets`: secrets of plugins, set by the application.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { HostSecrets, Secrets } from './secrets.js';
import type { SecretsOptions } from './secrets-options.js';

export type { HostSecrets } from './secrets.js';
export type { SecretsOptions } from './secrets-options.js';

/**
 * Gives plugins the secrets that the application sets for them. A key that is invalid lets `start()`
 * fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({ extensions: [secrets({ key })] });
 * await kernel.extension(secrets).set('com.example.notes', 'api-key', 'a-secret-value');
 */
export const secrets = makeExtension(
  { name: 'secrets', uses: ['core'] },
  (options: SecretsOptions = {}) => ({
    install({ core }): HostSecrets {
      let now: Secrets | undefined;
      const made = core.fill('secrets', async () => {
        const [{ Secrets: Made }, { checkSecrets }] = await Promise.all([
          import('./secrets.js'),
          import('./secrets-options.js'),
        ]);
        checkSecrets(options);
        return ({ storage, tenant, redaction }) => {
          now = new Made({ options, storage, tenant, redaction });
          return now;
        };
      });
      core.keep({
        kind: 'secrets',
        known: () => now?.known() ?? [],
        purge: async (plugin) => (await made()).purge(plugin),
      });
      return {
        set: async (...what) => (await made()).set(...what),
        delete: async (...what) => (await made()).delete(...what),
        names: async (plugin) => (await made()).names(plugin),
      };
    },
  }),
);
