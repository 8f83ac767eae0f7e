/** The scopes that decisions take away. */
import type { PermissionName } from '@plinth/sdk/contract';
import type { Denied, DeniedScope } from './broker.js';
import { membersOf, SERVICE_PERMISSIONS } from './granted.js';

/** A decision about a right. */
export interface Decided {
  readonly permission: PermissionName;
  readonly scope: string;
  /** Its position among the decisions about a plugin. The later one counts. */
  readonly at: number;
}

/** The scopes that were revoked, and what of them was granted again since. */
export function deniedOf(
  revoked: readonly Decided[],
  granted: readonly Decided[] = [],
): Map<PermissionName, readonly DeniedScope[]> {
  const denied = new Map<PermissionName, readonly DeniedScope[]>();
  for (const { permission, scope, at } of revoked) {
    const since = (name: PermissionName) =>
      granted.flatMap((entry) => (entry.permission === name && entry.at > at ? [entry.scope] : []));
    const deny = (name: PermissionName, one: DeniedScope) =>
      denied.set(name, [...(denied.get(name) ?? []), one]);
    const except = since(permission);
    deny(permission, { scope, except });
    // Revoking a service revokes its members, unless they were granted separately since.
    if (permission === 'services.get')
      for (const name of SERVICE_PERMISSIONS)
        deny(name, { scope: membersOf(scope), except: [...except.map(membersOf), ...since(name)] });
  }
  return denied;
}

/** What either denies. */
export function deniedByEither(one: Denied, other: Denied): Denied {
  if (other.size === 0) return one;
  const both = new Map(one);
  for (const [name, scopes] of other) both.set(name, [...(both.get(name) ?? []), ...scopes]);
  return both;
}
