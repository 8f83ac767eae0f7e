/** What was observed of a plugin's rights, and the options of the recorder. */
import type { PermissionName, Permissions } from '@plinth/sdk/contract';

/** The option of {@link permissionRecorder}. */
export interface PermissionRecorderOptions {
  /**
   * Most used names of one contract, prefix of keys or folder that `least` lists one by one. Above
   * it `least` has one scope for all of them, like `com.example.notes:*`, if what the manifest
   * declares covers that. 8 when absent.
   */
  readonly exactUpTo?: number;
}

/**
 * The rights that one version of a plugin has used since the tenant was opened. Each set of
 * permissions is valid in `plugin.json`. A URL is reduced to its method and origin.
 */
export interface Observation {
  readonly plugin: string;
  readonly version: string;
  /** What was used and allowed, one by one. */
  readonly used: Permissions;
  /**
   * The least that covers what was used. It is never wider than `declared`, except for what the
   * plugin was allowed beside its manifest: by trust, or by a grant of the application. What was
   * refused is not in it, and neither is what the manifest's `needs` allow.
   */
  readonly least: Permissions;
  /** What the manifest asks for. */
  readonly declared: Permissions;
  /** Declared scopes that no use needed. */
  readonly unused: Permissions;
  /**
   * What the manifest lacks: uses that were refused for that, and uses that were allowed beside it.
   * `*` stands for a subject that isn't known.
   */
  readonly missing: Permissions;
  /** What was refused, including what is declared and was refused by policy or a revocation. */
  readonly refused: Permissions;
  /**
   * Permissions with more different scopes than are kept. `least` has their declared scopes that
   * were used, because it cannot be narrower.
   */
  readonly partial: readonly PermissionName[];
  /** The same for people: one line for each right. */
  readonly text: string;
}

/** What the recorder answers, for one tenant. */
export interface PermissionRecords {
  /**
   * What was observed of a plugin.
   *
   * @param version the version that started last when absent.
   * @throws PluginNotFoundError `plugin/not-found` for a plugin, or a version, that is neither
   * installed nor was observed.
   */
  observed(plugin: string, version?: string): Promise<Observation>;
  /** Forgets what was observed of a plugin. */
  forget(plugin: string): Promise<void>;
}
