/** Managing plugins, from a plugin. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const id = v.pipe(v.string(), v.maxLength(128));
/** Milliseconds since the epoch. */
const time = v.number();
const settings = v.record(v.string(), v.unknown());

const facts = {
  id: v.string(),
  version: v.optional(v.string()),
  name: v.optional(v.string()),
  description: v.optional(v.string()),
  tags: v.array(v.string()),
  state: v.string(),
  enabled: v.boolean(),
  /** Why it is suspended. */
  reason: v.optional(v.string()),
  createdAt: v.optional(time),
  updatedAt: v.optional(time),
  /** Why it failed. */
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
};

/**
 * The plugins of this kernel. The kernel provides it. A caller needs the permission
 * `plugins.manage` for the id of each plugin it lists or changes. The kernel refuses a plugin's
 * change of itself (`self`) and of a plugin that the application trusts more (`trust`):
 * `permission/denied`, with that `reason` in its details. Each change is audited
 * (`plugin:managed`).
 *
 * @example
 * // plugin.json: "needs": ["plinth.plugins@^1"], "permissions": { "plugins": { "manage": ["com.acme.*"] } }
 * const plugins = ctx.services.get(Plugins);
 * for (const { id, state } of await plugins.list()) if (state === 'failed') await plugins.disable({ id });
 */
export const Plugins = contract('plinth.plugins@1', {
  /** Plugins that the caller may manage. */
  list: command({
    input: v.optional(v.object({ state: v.optional(v.pipe(v.string(), v.maxLength(32))) })),
    output: v.array(v.object(facts)),
    idempotent: true,
  }),
  /** One plugin, and why it does or doesn't run. */
  status: command({
    input: v.object({ id }),
    output: v.object({
      ...facts,
      running: v.boolean(),
      because: v.string(),
      dependencies: v.array(v.string()),
    }),
    idempotent: true,
  }),
  /** Allows a plugin to start. Starts it if its manifest asks for `startup`. */
  enable: command({ input: v.object({ id }) }),
  /** Stops a plugin until it is enabled. */
  disable: command({ input: v.object({ id }) }),
  /**
   * Installs a plugin, or updates it to a later version. A new one isn't started. If the package
   * asks for permissions that the caller doesn't have, the application must consent
   * (`kernel.permissions.onRequest`).
   */
  install: command({
    input: v.object({
      /** Text of its `plugin.json`. */
      manifest: v.pipe(v.string(), v.maxLength(262_144)),
      /** Text of its bundle. */
      code: v.string(),
      /** Text of its `plugin.sig.json`. */
      signature: v.optional(v.pipe(v.string(), v.maxLength(1_048_576))),
    }),
    output: v.object({ id: v.string(), version: v.string(), updated: v.boolean() }),
    timeout: 60_000,
  }),
  /** Stops a plugin and removes it. */
  uninstall: command({ input: v.object({ id }) }),
  /** The merged settings of a plugin, and the layer of each leaf, by its path. */
  settings: command({
    input: v.object({ id }),
    output: v.object({
      settings,
      layers: v.record(v.string(), v.object({ value: v.unknown(), layer: v.string() })),
    }),
    idempotent: true,
  }),
  /**
   * Changes a plugin's settings in the layer `user`. Objects are merged; a key set to undefined is
   * removed.
   */
  configure: command({ input: v.object({ id, patch: settings }) }),
});
