/** What the application decides about plugins, as far as the core itself enforces it. */
import type { ChainPolicy } from './permissions/delegation.js';
import type { PermissionPolicy } from './permissions/granted.js';

/** The decisions that the core enforces. */
export interface CorePolicy {
  /** Ids or prefixes that may run; everything when absent. */
  readonly allow?: readonly string[];
  /** Ids or prefixes that may not run. This overrides everything else. */
  readonly deny?: readonly string[];
  /**
   * Ids or prefixes of trusted plugins that may serve all tenants from one guest when they declare
   * `tenancy: 'shared'`. None when absent.
   */
  readonly shared?: readonly string[];
  /** The most that plugins may be allowed to do. */
  readonly permissions?: PermissionPolicy;
  /**
   * Whose rights apply when a plugin acts on a caller's behalf: the intersection of the call chain
   * (`intersect`, when absent), or its own (`own`). Where the runtime can't tell which call an
   * action belongs to, `strict` counts it for all open calls.
   */
  readonly chain?: ChainPolicy;
  /** Plugins, or versions of them, that may not run any more: `com.acme.notes`, `com.acme.*`, `com.acme.notes@<1.2.0`. */
  readonly revoked?: readonly string[];
}
