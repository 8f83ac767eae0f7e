/** `ctx.storage`. */

/** Key-value storage in the plugin's own namespace. It survives restarts and has a quota. */
export interface PluginStorage {
  get(key: string): Promise<unknown>;
  /**
   * @throws PluginOverloadedError `storage/quota` when the value doesn't fit; nothing is written.
   */
  set(key: string, value: unknown): Promise<void>;
  /** Whether the key existed. */
  delete(key: string): Promise<boolean>;
  has(key: string): Promise<boolean>;
  /** Keys in lexical order; with a prefix, only those that start with it. */
  keys(prefix?: string): Promise<string[]>;
  clear(): Promise<void>;
  /**
   * Replaces a value atomically by the result of `change`: no concurrent change is lost. `change`
   * runs in the plugin, and runs again after a conflicting write.
   *
   * @example
   * const visits = await ctx.storage.update('visits', (n: number | undefined) => (n ?? 0) + 1);
   */
  update<T = unknown>(key: string, change: (current: T | undefined) => T): Promise<T>;
}
