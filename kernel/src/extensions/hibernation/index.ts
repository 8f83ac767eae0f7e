/**
 * `@plinth/kernel/hibernation`: plugins give up their guest while they are idle.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import type { Hibernation } from './hibernation.js';
import type { HibernationOptions } from './hibernation-options.js';

export type { HibernationOptions } from './hibernation-options.js';

/**
 * Puts idle plugins to sleep. The next call or event wakes them with their state. Options that make
 * no sense let `start()` fail with `kernel/invalid-option`.
 *
 * @example
 * const kernel = await createKernel({ extensions: [hibernation({ idle: 60_000 })] });
 */
export const hibernation = makeExtension(
  { name: 'hibernation', uses: ['core'] },
  (options: HibernationOptions = {}) => ({
    install({ core, on }) {
      let now: Hibernation | undefined;
      core.add(async () => {
        const [{ Hibernation: Made }, { checkHibernation }] = await Promise.all([
          import('./hibernation.js'),
          import('./hibernation-options.js'),
        ]);
        checkHibernation(options);
        return (tenant) => {
          now = new Made(options, tenant);
          return now;
        };
      });
      on('started', () => now?.start());
      on('stopping', () => now?.close());
    },
  }),
);
