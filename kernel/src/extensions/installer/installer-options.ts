/** What may be said of an installation, an update or an uninstallation. */
import type { DrainOptions } from '../../lifecycle/drain.js';
import type { CanaryOptions } from './canary/options.js';

/** The source that a package may come from. */
export interface OwnerOptions {
  /**
   * Consent by name to a new owner, when the id belongs to another one: `publisher:<name>`, or the
   * package's origin. What is kept under the id, and its callers, then belong to the new owner.
   */
  readonly owner?: string;
}

/** How an update is made. */
export interface UpdateOptions extends OwnerOptions {
  /** Whether the version's new needs (rights, isolation, resources …) are granted unasked. */
  readonly consent?: boolean;
  /**
   * Whether an update goes on without the old state when `getState` throws, hangs (`limits.hook`)
   * or answers what can't be handed over. When absent, `policy.updates` decides.
   */
  readonly state?: 'required' | 'optional';
  /**
   * Runs the version beside the one before, which it replaces when the rule or `promote` says so.
   * The update then resolves when the canary has started.
   */
  readonly canary?: CanaryOptions;
}

/** How a plugin is uninstalled. */
export interface UninstallOptions extends DrainOptions {
  /** Also deletes its data, secrets, settings and grants, and frees its id. Kept when absent. */
  readonly purge?: boolean;
}
