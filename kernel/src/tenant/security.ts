/** The security of a tenant: trust, owners and rights. */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import type { Core } from '../extension/core.js';
import { NO_OWNERS, NO_TRUST, type Owning, type Trusting } from '../lifecycle/trusting.js';
import type { PermissionSet } from '../permissions/broker.js';
import { withoutGrants } from '../permissions/grant-records.js';
import { Grants } from '../permissions/grants.js';
import { permissionsOf } from '../permissions/permissions-of.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { EngineParts } from './engine-parts.js';
import type { Shared } from './shared.js';

/** Owns what decides about the plugins of one tenant. */
export class Security {
  readonly trust: Trusting;
  readonly owners: Owning;
  readonly grants: Grants;
  readonly #metrics: Metrics;

  constructor({ base, parts, extending }: EngineParts, core: Core) {
    const { options, reporting } = base;
    const { policy = {} } = options;
    this.#metrics = reporting.metrics;
    this.trust = parts.make('trust', core) ?? NO_TRUST;
    this.owners = parts.make('owners', core) ?? NO_OWNERS;
    this.grants = new Grants({
      records: parts.make('grants', core) ?? withoutGrants(base.storage, base.tenant),
      policy: policy.permissions,
      chain: policy.chain,
      sources: extending.rights,
      trustOf: (manifest) => this.trust.of(manifest),
      observing: parts.make('observing', core),
    });
  }

  /** What a plugin may do now. */
  permissionsOf(manifest: Manifest): PermissionSet {
    return permissionsOf(this.grants, manifest, this.#metrics);
  }

  /** What a plugin may do but for what was revoked, which is looked at one by one. */
  rightsOf(manifest: Manifest): PermissionSet {
    return permissionsOf(this.grants, manifest, this.#metrics, this.grants.asked(manifest));
  }
}

/** Whether a host here offers an isolation. */
export const offersIsolation = ({ hosts }: Shared, isolation: Isolation): boolean =>
  hosts.some((host) => host.isolations.includes(isolation) && host.offers?.(isolation) !== false);
