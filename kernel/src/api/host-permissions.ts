/** `kernel.permissions`: rights of plugins, asked and changed by the application. */
import type { PermissionName, Permissions } from '@plinth/sdk';
import {
  A_TIME,
  checkOptionNames,
  createError,
  disposable,
  isTime,
  type Manifest,
  PERMISSION_NAMES,
} from '@plinth/sdk/contract';
import type { Deciding, PermissionHandler, RequestOptions } from '../permissions/asking.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { GrantOptions, RefusedRight } from '../permissions/grant-records.js';
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
   *
   * A right is asked about once, however often a running plugin asks. A no is remembered, also
   * after a restart, until the right is granted or {@link HostPermissions.forget | forgotten}, or
   * another version of the plugin asks.
   *
   * @throws PluginConfigurationError `kernel/invalid-option`.
   * @example
   * kernel.permissions.onRequest(async ({ plugin, permissions, why }, { signal }) =>
   *   dialog.confirm({ plugin, permissions, why, signal }),
   * );
   */
  onRequest(handler: PermissionHandler, options?: RequestOptions): HostRegistration;
  /**
   * The requests of a plugin that were answered no, and are answered so without being asked again.
   *
   * @throws PluginUnavailableError `plugin/not-found`.
   */
  refused(plugin: string): readonly RefusedRight[];
  /**
   * Forgets all that was answered no to a plugin, so that the application is asked again. Resolves
   * when that is kept.
   *
   * @throws PluginUnavailableError `plugin/not-found`.
   */
  forget(plugin: string): Promise<void>;
  /**
   * The same for what a permission and a scope cover. Without a scope it is every scope.
   *
   * @throws PluginValidationError `permission/invalid` for what is no permission or scope,
   * PluginUnavailableError `plugin/not-found`.
   */
  forget(plugin: string, permission: PermissionName, scope?: string): Promise<void>;
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
      checkName(plugin, permission);
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
    onRequest(handler, options = {}) {
      checkOptionNames('permissions.onRequest()', options, ['timeout', 'concurrent']);
      const { timeout = TIMEOUT, concurrent = 1 } = options;
      if (typeof handler !== 'function') throw badOption('the handler', 'a function');
      if (!isTime(timeout)) throw badOption("'timeout'", A_TIME);
      if (!(concurrent >= 1)) throw badOption("'concurrent'", 'a number of at least 1');
      const removed = new AbortController();
      const handling = { handler, timeout, concurrent, gone: removed.signal };
      deciding.handling = handling;
      return disposable(() => {
        if (deciding.handling === handling) deciding.handling = undefined;
        removed.abort();
      });
    },
    refused(plugin) {
      const { id } = requireManifest(plugin);
      return parts.rights().grants.refused(id);
    },
    async forget(plugin: string, permission?: PermissionName, scope?: string) {
      const { id } = manifest(plugin) ?? (await awaitManifest(plugin));
      await parts.rights().grants.forget(id, permission, scope);
    },
  };
}

/** Milliseconds in which a person decides. */
const TIMEOUT = 600_000;

/** @throws PluginValidationError `permission/invalid`. */
function checkName(plugin: string, permission: PermissionName): void {
  if (PERMISSION_NAMES.includes(permission)) return;
  const name = String(permission).slice(0, 64);
  throw createError('permission/invalid', `'${name}' is not a permission`, { plugin });
}

const badOption = (what: string, form: string) =>
  createError('kernel/invalid-option', `permissions.onRequest(): ${what} must be ${form}`);
