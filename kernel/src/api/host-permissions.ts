/** `kernel.permissions`: rights of plugins, asked and changed by the application. */
import type { PermissionName, Permissions } from '@plinth/sdk';
import { createError, disposable, type Manifest, PERMISSION_NAMES } from '@plinth/sdk/contract';
import type { Deciding, PermissionHandler } from '../permissions/asking.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { GrantOptions } from '../permissions/grant-records.js';
import type { Grants } from '../permissions/grants.js';
import type { HostRegistration } from '../registration.js';

/** `kernel.permissions`. */
export interface HostPermissions {
  /**
   * Whether a plugin has a permission.
   *
   * @throws PluginValidationError `permission/invalid` for an unknown permission.
   */
  check(plugin: string, permission: PermissionName, scope?: string): boolean;
  /** All rights of a plugin. */
  list(plugin: string): Permissions;
  /**
   * Grants a plugin a right beyond its manifest, or restores a revoked right. It applies from the
   * plugin's next message on, and ends after the given milliseconds, if any. Without a scope it
   * covers every scope.
   *
   * @throws PluginPermissionError `permission/denied` when policy doesn't allow it,
   * PluginValidationError `permission/invalid`.
   */
  grant(
    plugin: string,
    permission: PermissionName,
    scope?: string,
    options?: GrantOptions,
  ): Promise<void>;
  /** Revokes a right from the plugin's next message on, and closes what was opened under it. */
  revoke(plugin: string, permission: PermissionName, scope?: string): Promise<void>;
  /**
   * Answers requests of plugins for further rights: yes, no, or `{ for }` at most so many
   * milliseconds. Without a handler the answer is no. The last handler counts.
   */
  onRequest(handler: PermissionHandler): HostRegistration;
}

/** What `kernel.permissions` is made of. */
export interface HostPermissionParts {
  /** The rights of the plugins that are known. */
  rights(): {
    readonly grants: Grants;
    permissionsOf(manifest: Manifest): Pick<PermissionSet, 'check'>;
  };
  readonly deciding: Deciding;
  /** Undefined while the plugin is unknown. */
  manifest(id: string): Manifest | undefined;
  /** @throws PluginUnavailableError `plugin/not-found`. */
  requireManifest(id: string): Manifest;
  /** The same, but waits until all plugins are known. */
  awaitManifest(id: string): Promise<Manifest>;
  /** Plugins may answer open contracts now that they could not answer before, or the reverse. */
  providersChanged(): Promise<void>;
}

/** Makes `kernel.permissions`. */
export function createHostPermissions(parts: HostPermissionParts): HostPermissions {
  const { deciding, manifest, requireManifest, awaitManifest } = parts;
  return {
    check(plugin, permission, scope = '') {
      const known = requireManifest(plugin);
      if (!PERMISSION_NAMES.includes(permission))
        throw createError(
          'permission/invalid',
          `'${String(permission).slice(0, 64)}' is not a permission`,
          { plugin },
        );
      return parts.rights().permissionsOf(known).check(permission, scope);
    },
    list(plugin) {
      const known = requireManifest(plugin);
      return parts.rights().grants.listed(known);
    },
    async grant(plugin, permission, scope = '*', options) {
      // What is known changes at once, before anything else runs.
      const known = manifest(plugin) ?? (await awaitManifest(plugin));
      await parts.rights().grants.grant(known, permission, scope, options);
      if (permission === 'contracts.provide') await parts.providersChanged();
    },
    async revoke(plugin, permission, scope = '*') {
      const { id } = manifest(plugin) ?? (await awaitManifest(plugin));
      await parts.rights().grants.revoke(id, permission, scope);
    },
    onRequest(handler) {
      deciding.handler = handler;
      return disposable(() => {
        if (deciding.handler === handler) deciding.handler = undefined;
      });
    },
  };
}
