/** Who may do what in a tenant: trust, owners, rights, requests for rights, and secrets. */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import { Owners } from '../extensions/installer/owners.js';
import { Secrets } from '../extensions/secrets/secrets.js';
import { Trust } from '../extensions/trust/trust.js';
import type { PermissionSet } from '../permissions/broker.js';
import { Grants } from '../permissions/grants.js';
import { permissionsOf } from '../permissions/permissions-of.js';
import { PermissionRequests } from '../permissions/requests.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { EngineParts } from './engine-parts.js';
import type { Shared } from './shared.js';

/** Owns what decides about the plugins of one tenant. */
export class Security {
  readonly trust: Trust;
  readonly owners: Owners;
  readonly grants: Grants;
  readonly requests: PermissionRequests;
  readonly secrets: Secrets;
  readonly #metrics: Metrics;

  constructor({ base, shared, deciding }: EngineParts) {
    const { tenant, options, limits, storage, redaction, reporting } = base;
    const { policy = {} } = options;
    const { log, announce, metrics } = reporting;
    const kept = { storage, tenant };
    this.#metrics = metrics;
    const offers = (isolation: Isolation) => offersIsolation(shared, isolation);
    this.trust = new Trust({ ...kept, policy, limits, offers, announce });
    const publisher = this.trust.publisher.bind(this.trust);
    this.owners = new Owners({ ...kept, log, publisher });
    this.grants = new Grants({
      ...kept,
      policy: policy.permissions,
      chain: policy.chain,
      trustOf: (manifest) => this.trust.of(manifest),
      log,
      announce,
    });
    this.requests = new PermissionRequests(deciding, this.grants, reporting);
    this.secrets = new Secrets({ ...kept, options: options.secrets, redaction });
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

const offersIsolation = ({ hosts }: Shared, isolation: Isolation): boolean =>
  hosts.some((host) => host.isolations.includes(isolation) && host.offers?.(isolation) !== false);
