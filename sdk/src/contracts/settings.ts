/** Settings of plugins, for plugins that read or change those of others. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const id = v.pipe(v.string(), v.maxLength(128));
const settings = v.record(v.string(), v.unknown());

/**
 * Settings of plugins; `ctx.settings` is a shortcut to it. The kernel provides it. `get` needs the
 * permission `config.read` for the plugin's id, `set` needs `config.write`. A plugin reads its own
 * settings without permission. Changes to a plugin that the application trusts more are refused
 * with `permission/denied`. Each change is audited (`plugin:managed`).
 *
 * @example
 * // plugin.json: "permissions": { "config": { "read": ["com.acme.*"], "write": ["com.acme.theme"] } }
 * const { dark } = await ctx.settings.get('com.acme.theme');
 * await ctx.settings.set('com.acme.theme', { dark: !dark });
 */
export const Settings = contract('plinth.settings@1', {
  /** The merged settings. */
  get: command({ input: v.object({ id }), output: settings, idempotent: true }),
  /**
   * Changes the layer `user`, which is persisted. Objects are merged; a key set to undefined is
   * removed.
   */
  set: command({ input: v.object({ id, patch: settings }) }),
});
