/** `ctx.settings`: reads and changes settings through the commands of `plinth.settings`. */
import type { PluginContext } from '../../context.js';
import { PluginValidationError } from '../../contract/errors.js';
import { attempt, pluginIn } from '../arguments.js';
import type { Execute } from './client.js';

/**
 * Creates the settings of one activation.
 *
 * @param own the plugin's own id: its settings are meant when none is named.
 */
export function createSettings(execute: Execute, own: string): PluginContext['settings'] {
  return {
    get: (plugin = own) =>
      attempt(
        () =>
          execute('plinth.settings:get', { id: pluginIn(plugin) }, undefined) as Promise<
            Record<string, unknown>
          >,
      ),
    set: async (plugin, patch) => {
      if (Array.isArray(patch))
        throw new PluginValidationError(
          'call/invalid-option',
          'settings are an object, not a list',
        );
      await execute('plinth.settings:set', { id: pluginIn(plugin), patch }, undefined);
    },
  };
}
