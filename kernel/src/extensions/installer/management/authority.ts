/** What the callers of a call may do to which plugins: all of them need the right and the trust. */
import { createError, type PermissionName, pluginIdProblem } from '@plinth/sdk/contract';
import type { KernelCall } from '../../../calls/kernel-call.js';
import type { Trusting } from '../../../lifecycle/trusting.js';
import { chainOf } from '../../../permissions/delegation.js';
import type { Grants } from '../../../permissions/grants.js';
import type { TrustVerdict } from '../../../permissions/trust-level.js';
import { HIGHEST, LOWEST, refused } from './answers.js';

/** What this module needs of the kernel. */
export interface AuthorityParts {
  readonly grants: Pick<Grants, 'delegation'>;
  readonly trust: Pick<Trusting, 'of'>;
}

/** Owns no rights: it asks for those that plugins have now. */
export class Authority {
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  /**
   * @throws PluginPermissionError `permission/denied`, PluginOverloadedError `permission/rate`; for
   * all callers.
   */
  demand(call: KernelCall, right: PermissionName, scope: string): void {
    const { grants } = this.#parts;
    if (scope !== '' && pluginIdProblem(scope) !== undefined)
      throw createError('plugin/not-found', `no plugin '${scope}' is installed`, { plugin: scope });
    grants.delegation.rightsOf(call.caller)?.demand(right, scope);
    grants.delegation.demandFor(call.behalf, call.caller.id, right, scope);
  }

  /** Whether something may be seen. Nothing is counted or recorded. */
  may(call: KernelCall, right: PermissionName, scope: string): boolean {
    const { grants } = this.#parts;
    return (
      grants.delegation.rightsOf(call.caller)?.check(right, scope) !== false &&
      grants.delegation.mayFor(call.behalf, right, scope)
    );
  }

  /** @throws PluginPermissionError `permission/denied` for a caller trusted less than its target. */
  checkTrust(
    call: KernelCall,
    id: string,
    target: TrustVerdict,
    right: PermissionName = 'plugins.manage',
  ): void {
    const { grants, trust } = this.#parts;
    for (const { caller } of chainOf([call, ...call.behalf])) {
      const manager = grants.delegation.manifestOf(caller);
      if (manager === undefined || HIGHEST[target] <= LOWEST[trust.of(manager)]) continue;
      throw refused(
        manager.id,
        id,
        right,
        'trust',
        `${manager.id} may not change ${id}: the application trusts that one more, or may turn out to`,
      );
    }
  }
}
