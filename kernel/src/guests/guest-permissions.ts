/** The rights of a guest, as they are now and as they change. */
import type { Manifest, PermissionName } from '@plinth/sdk/contract';
import type { KernelEvents } from '../kernel-events.js';
import { PermissionSet } from '../permissions/broker.js';
import type { Grants } from '../permissions/grants.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { Metrics } from '../telemetry/metrics.js';

/** What the rights of a guest are made of. */
export interface RightsParts {
  readonly grants: Grants;
  readonly metrics: Metrics;
  /** A request was refused. */
  readonly onDenied: ConstructorParameters<typeof PermissionSet>[3];
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

/** @param level how far the plugin is trusted, where that is decided. */
export function guestPermissions(
  manifest: Manifest,
  { announce, grants, metrics, onDenied }: RightsParts,
  level: TrustLevel | undefined,
): PermissionSet {
  // An untrusted plugin's uses of its rights are recorded, too.
  const onUsed = (permission: PermissionName, scope: string) =>
    announce('permission:used', { plugin: manifest.id, permission, scope });
  const set = new PermissionSet(
    manifest.id,
    grants.of(manifest),
    metrics,
    onDenied,
    grants.denied(manifest),
    level === 'untrusted' ? onUsed : undefined,
    grants.bounds(manifest),
    (permission, scope) => grants.why(manifest, permission, scope),
  );
  set.onAsked = grants.observing?.of(manifest);
  return set;
}
