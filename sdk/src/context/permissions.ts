/** `ctx.permissions`. */
import type { PermissionName } from '../contract/permission-names.js';

/** Asks the kernel what this plugin may do. The answer only informs; each use is checked. */
export interface PluginPermissions {
  has(permission: PermissionName, scope?: string): Promise<boolean>;
  /**
   * Asks the application for a permission that policy leaves open. Returns whether the plugin has
   * it now; false when the application has no handler for requests. Asking again changes nothing: a
   * no is remembered. A person may need longer than the call that asks: a later yes counts, too.
   *
   * @param options the reason, in a sentence for people, and the duration in milliseconds (for good
   * when absent).
   * @throws PluginValidationError `permission/invalid`.
   */
  request(
    permission: PermissionName,
    scope?: string,
    options?: { readonly why?: string; readonly for?: number },
  ): Promise<boolean>;
}
