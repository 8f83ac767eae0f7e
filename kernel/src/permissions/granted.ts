/** What a manifest asks for, bounded by what policy allows. */
import {
  FLAGS,
  GIVEN,
  intersectScopes,
  type Manifest,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseNeed,
  parseSize,
  scopesOf,
} from '@plinth/sdk/contract';

/** A right that was granted beside a manifest. */
export interface GrantedRight {
  readonly permission: PermissionName;
  readonly scope: string;
}

/** Bytes a plugin may store when its manifest asks for storage without a quota. */
export const DEFAULT_QUOTA = 5_000_000;

/** The most that policy allows. Undefined allows what the manifest asks for. */
export type PermissionPolicy = Permissions | ((manifest: Manifest) => Permissions | undefined);

/**
 * The effective rights: what the manifest asks for ∩ what policy allows. A need, and a right to a
 * service, is a right to the members of its contract.
 */
export function grantsOf(manifest: Manifest, policy: PermissionPolicy | undefined): Permissions {
  return rightsWithin(manifest, ceilingOf(manifest, policy));
}

/** The same within a ceiling. Undefined allows everything. */
export function rightsWithin(manifest: Manifest, ceiling: Permissions | undefined): Permissions {
  const { permissions, needs } = manifest;
  const asked = withMembers(
    permissions,
    needs.map((need) => (parseNeed(need) as { base: string }).base),
  );
  return ceiling === undefined ? asked : intersect(asked, ceiling);
}

/** A copy of a manifest that asks for every permission. Its own storage quota stays. */
export function askingForAll(manifest: Manifest): Manifest {
  const { quota } = manifest.permissions.storage ?? {};
  const permissions: Permissions =
    quota === undefined ? EVERYTHING : { ...EVERYTHING, storage: { ...EVERYTHING.storage, quota } };
  return { ...manifest, permissions: permissions as Manifest['permissions'] };
}

/** A manifest that asks for more, or the same one. */
export const askingFor = (manifest: Manifest, more: readonly GrantedRight[]): Manifest =>
  more.length === 0 ? manifest : { ...manifest, permissions: extended(manifest.permissions, more) };

/** A manifest that asks for one right alone. */
export const only = (manifest: Manifest, permission: PermissionName, scope: string): Manifest =>
  askingFor({ ...manifest, permissions: {}, needs: [] }, [{ permission, scope }]);

/** Every permission, for all scopes. */
const EVERYTHING: Permissions = everything();

/** Every right with every scope. */
export function everything(): Permissions {
  const all: Record<string, true | Record<string, true | readonly string[]>> = {};
  for (const name of PERMISSION_NAMES) {
    const [resource, action] = name.split('.') as [string, string | undefined];
    if (action === undefined) all[resource] = true;
    else
      all[resource] = {
        ...(all[resource] as object | undefined),
        [action]: resource === 'storage' || FLAGS.has(name) ? true : ['*'],
      };
  }
  return all;
}

/** The most that policy allows. Undefined means everything. */
export function ceilingOf(
  manifest: Manifest,
  policy: PermissionPolicy | undefined,
): Permissions | undefined {
  const allowed = typeof policy === 'function' ? policy(manifest) : policy;
  return allowed === undefined ? undefined : withMembers(allowed, []);
}

/**
 * Scopes of the members of services. `com.example.search` becomes `com.example.search:*`.
 * `com.example.*` stays, because it already matches members.
 */
export const membersOf = (service: string): string =>
  service.endsWith('*') ? service : `${service}:*`;

/** The permissions that a right to a service includes. */
export const SERVICE_PERMISSIONS: readonly PermissionName[] = [
  'commands.execute',
  'events.subscribe',
  'hooks.call',
  'hooks.handle',
];

function withMembers(permissions: Permissions, needs: readonly string[]): Permissions {
  const members = [...needs, ...(permissions.services?.get ?? [])].map(membersOf);
  if (members.length === 0) return permissions;
  const add = (scopes: readonly string[] | undefined) => [...(scopes ?? []), ...members];
  return {
    ...permissions,
    commands: { execute: add(permissions.commands?.execute) },
    events: { ...permissions.events, subscribe: add(permissions.events?.subscribe) },
    hooks: { call: add(permissions.hooks?.call), handle: add(permissions.hooks?.handle) },
  };
}

/** What is asked for and allowed. */
export function intersect(asked: Permissions, allowed: Permissions): Permissions {
  const result: Record<string, unknown> = {};
  for (const name of PERMISSION_NAMES) {
    const [resource, action] = name.split('.') as [string, string | undefined];
    const scopes = intersectScopes(name, scopesOf(asked, name), scopesOf(allowed, name));
    // A permission that is given by default is listed only when it is denied.
    if (GIVEN.has(name) ? scopes.length > 0 : scopes.length === 0) continue;
    const whole =
      (resource === 'storage' || FLAGS.has(name)) && scopes.length === 1 && scopes[0] === '*';
    if (action === undefined) result[resource] = true;
    else
      result[resource] = {
        ...(result[resource] as object | undefined),
        [action]: scopes.length === 0 ? false : whole ? true : scopes,
      };
  }
  const quotas = [asked.storage?.quota, allowed.storage?.quota].flatMap((quota) =>
    quota === undefined ? [] : [parseSize(quota) as number],
  );
  if (result.storage !== undefined && quotas.length > 0)
    result.storage = { ...(result.storage as object), quota: Math.min(...quotas) };
  return result as Permissions;
}

/** The same rights, and those that were granted beside them. */
export function extended(
  permissions: Permissions,
  granted: readonly GrantedRight[],
): Manifest['permissions'] {
  const result = { ...permissions } as Record<string, unknown>;
  for (const { permission, scope } of granted) {
    const [resource, action] = permission.split('.') as [string, string | undefined];
    if (action === undefined) result[resource] = true;
    else if ((resource === 'storage' || FLAGS.has(permission)) && scope === '*')
      result[resource] = { ...(result[resource] as object | undefined), [action]: true };
    else {
      const before = result[resource] as Record<string, readonly string[] | boolean> | undefined;
      const had = before?.[action];
      result[resource] = { ...before, [action]: [...(had === true ? ['*'] : had || []), scope] };
    }
  }
  return result as Manifest['permissions'];
}
