/** `ctx.settings` and `ctx.secrets`. */

/**
 * Settings of this and other plugins; a shortcut to the contract `Settings` of
 * `@plinth/sdk/contracts`.
 */
export interface PluginSettingsAccess {
  /**
   * The merged settings of a plugin. Without an id: of this plugin, which needs no permission.
   *
   * @throws PluginPermissionError `permission/denied` without `config.read` for the id,
   * PluginUnavailableError `plugin/not-found`.
   */
  get(plugin?: string): Promise<Readonly<Record<string, unknown>>>;
  /**
   * Changes a plugin's settings in the layer `user`, which is persisted. Objects are merged; a key
   * set to undefined is removed. If the plugin's schema or the plugin itself refuses, nothing
   * changes.
   *
   * @throws PluginPermissionError `permission/denied` without `config.write` for the id (its own
   * included), or when the application trusts that plugin more; PluginConfigurationError
   * `config/invalid`, PluginUnavailableError `plugin/not-found`.
   */
  set(plugin: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Secrets that the application gave to this plugin alone: keys, tokens, passwords. */
export interface PluginSecrets {
  /**
   * A secret by its name; undefined when there is none. Read it at each use instead of keeping it:
   * the application may replace it.
   *
   * @throws PluginPermissionError `permission/denied` without `secrets.read` for the name,
   * PluginUnavailableError `secret/locked`.
   */
  get(name: string): Promise<string | undefined>;
}
