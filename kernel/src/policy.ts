/** What the application decides about plugins. */
import type { ResourcePolicy } from './extensions/limits/resource-policy.js';
import type { CommandDefaults } from './extensions/resilience/policy.js';
import type { TrustDecisions } from './extensions/trust/trust-policy.js';
import type { ChainPolicy } from './permissions/delegation.js';
import type { PermissionPolicy } from './permissions/granted.js';

/** What the embedder decides about plugins. */
export interface Policy extends TrustDecisions {
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
  /** The defaults for commands whose plugins set no policy. */
  readonly commands?: CommandDefaults;
  /** How much plugins may use, each and together. */
  readonly resources?: ResourcePolicy;
  /** How updates are made when the caller doesn't say. */
  readonly updates?: {
    /**
     * Whether an update continues when the old version doesn't hand over its state in time. When
     * absent, the update is refused (`required`).
     */
    readonly state?: 'required' | 'optional';
  };
}
