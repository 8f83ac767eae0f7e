/** What the application changes for good: which plugins there are, and in which versions. */
import { checkOptionNames } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../../host.js';
import type { Installed } from './installed.js';
import type { OwnerOptions, UninstallOptions, UpdateOptions } from './installer-options.js';
import type { Leftover } from './plugin-data.js';

/**
 * The API of the extension `installer`, and a part of `kernel.plugins`. Each method rejects with a
 * typed error and then changes nothing.
 */
export interface HostInstaller {
  /**
   * Adds a plugin to the running kernel, beside its other versions, for good. The next kernel over
   * the same storage has it again. Answers its id. Doesn't activate it.
   *
   * @throws PluginManifestError, PluginResolutionError `plugin/duplicate` or `plugin/unsatisfied`,
   * PluginLifecycleError `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`.
   */
  install(found: PluginPackage | PluginSource, options?: OwnerOptions): Promise<string>;
  /** Stops a plugin and removes it for good: every version of an id, or the one that is named. */
  uninstall(id: string, options?: UninstallOptions): Promise<void>;
  /**
   * The data of plugins that aren't installed any more. `uninstall(id, { purge: true })` deletes
   * it.
   */
  leftovers(): Promise<readonly Leftover[]>;
  /**
   * Replaces the guest by a fresh one while it runs, of another package when one is given. Hands
   * over its state.
   */
  reload(id: string, found?: PluginPackage | PluginSource, options?: OwnerOptions): Promise<void>;
  /**
   * Gives an id to another publisher (`publisher:<name>`) or origin, with its data, its secrets,
   * its settings, its rights and its callers. Packages of the new owner are admitted. Other
   * packages of the id are not started any more.
   */
  transfer(id: string, to: string): Promise<void>;
  /**
   * Replaces a plugin by a later version, while it runs and for good. The version before stays
   * ready for {@link rollback}. It comes back automatically when the new one crashes or is
   * unhealthy within `limits.trial`.
   *
   * @throws PluginLifecycleError `plugin/downgrade`, PluginPermissionError
   * `permission/consent-required` when it asks for more than the version before without consent
   * (see `kernel.permissions.onRequest`), or what its activation threw.
   */
  update(id: string, found: PluginPackage | PluginSource, options?: UpdateOptions): Promise<void>;
  /**
   * Puts the canary of a plugin in the place of the version before, as an update does.
   *
   * @throws PluginLifecycleError `plugin/illegal-transition` without a canary, or what the update
   * threw. The version before goes on then.
   */
  promote(id: string): Promise<void>;
  /**
   * Ends the canary of a plugin. Without one, restores the version that an update has replaced.
   *
   * @throws PluginLifecycleError `plugin/no-previous-version`.
   */
  rollback(id: string): Promise<void>;
  /** Marks a version as deprecated: the log names its callers. `false` removes the mark. */
  deprecate(id: string, message: string | false): Promise<void>;
}

/**
 * Makes the API.
 *
 * @param known waits until the installed plugins are known, and the one that is named.
 */
export function createHostInstaller(
  installed: () => Promise<Installed>,
  known: (plugin?: string) => Promise<void>,
): HostInstaller {
  const whenKnown = async <T>(
    work: (installed: Installed) => Promise<T>,
    id?: string,
  ): Promise<T> => {
    await known(id);
    return work(await installed());
  };
  return {
    install: (found, options) =>
      whenKnown(({ installer }) => {
        checkOptionNames('plugins.install()', options, ['owner']);
        return installer.install(found, options);
      }),
    leftovers: () => whenKnown(({ data }) => data.leftovers()),
    transfer: (id, to) => whenKnown(({ installer }) => installer.transfer(id, to)),
    uninstall: (id, options) =>
      whenKnown(({ installer }) => {
        checkOptionNames('plugins.uninstall()', options, ['purge', 'drain']);
        return installer.uninstall(id, options);
      }, id),
    reload: (id, found, options) =>
      whenKnown(async (one) => {
        checkOptionNames('plugins.reload()', options, ['owner']);
        if (found === undefined) await one.plugins.reload(id);
        else await one.installer.reload(id, found, options);
      }, id),
    update: (id, found, options) =>
      whenKnown(({ installer }) => {
        checkOptionNames('plugins.update()', options, ['owner', 'consent', 'state', 'canary']);
        return installer.update(id, found, options);
      }, id),
    promote: (id) => whenKnown(({ installer }) => installer.promote(id), id),
    rollback: (id) => whenKnown(({ installer }) => installer.rollback(id), id),
    deprecate: (id, message) => whenKnown(({ installer }) => installer.deprecate(id, message), id),
  };
}
