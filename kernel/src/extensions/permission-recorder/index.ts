/**
 * `@plinth/kernel/permission-recorder`: observes which rights plugins use, and writes the least
 * permissions that cover them.
 *
 * @module
 */
import { createError, messageOf } from '@plinth/sdk/contract';
import { makeExtension } from '../../extension/make-extension.js';
import type { PermissionRecorderOptions, PermissionRecords } from './observation.js';

export type { Growth } from '../../permissions/growth.js';
export type { Observation, PermissionRecorderOptions, PermissionRecords } from './observation.js';
export { widening } from './widening.js';

/** Names of one contract that are listed one by one, when no option says otherwise. */
const EXACT_UP_TO = 8;

/**
 * Observes the rights that plugins use, in every isolation. It grants and refuses nothing: a plugin
 * may do what it may do without the recorder. Direct lanes between plugins stay closed while it is
 * installed, so that no call passes unseen.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * const kernel = await createKernel({ extensions: [permissionRecorder()] });
 * await kernel.start();
 * // … the plugins do their work …
 * const { least, missing, text } = await kernel.extension(permissionRecorder).observed('com.example.notes');
 */
export const permissionRecorder = makeExtension(
  { name: 'permission-recorder', uses: ['core'] },
  ({ exactUpTo = EXACT_UP_TO }: PermissionRecorderOptions = {}) => {
    if (!Number.isSafeInteger(exactUpTo) || exactUpTo < 0)
      throw createError(
        'kernel/invalid-option',
        `'exactUpTo' must be a whole number, not ${messageOf(exactUpTo)}`,
        { details: { option: 'exactUpTo' } },
      );
    return {
      install({ core }): PermissionRecords {
        const made = core.fill('observing', async () => {
          const { PermissionRecorder } = await import('./recorder.js');
          return ({ registry }) => new PermissionRecorder(registry, exactUpTo);
        });
        return {
          observed: async (...what) => (await made()).observed(...what),
          forget: async (plugin) => (await made()).forget(plugin),
        };
      },
    };
  },
);
