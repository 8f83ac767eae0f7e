/** The rights of a plugin, for parts that only look. */
import type { Manifest, Permissions } from '@plinth/sdk/contract';
import type { Metrics } from '../telemetry/metrics.js';
import { PermissionSet } from './broker.js';
import type { Grants } from './grants.js';

const unheard = () => {};

/**
 * What a plugin may do now. Nothing is told of what it is asked.
 *
 * @param given what it may do without the revoked rights, where that isn't all that it has.
 */
export function permissionsOf(
  grants: Grants,
  manifest: Manifest,
  metrics: Metrics,
  given: Permissions = grants.of(manifest),
): PermissionSet {
  return new PermissionSet(manifest.id, given, metrics, unheard, grants.denied(manifest));
}
