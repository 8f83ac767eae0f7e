/** Makes an observation of the uses of a plugin: the least rights, and the difference. */
import {
  GIVEN,
  intersectScopes,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseRight,
  parseSize,
  rightReaches,
  scopesOf,
} from '@plinth/sdk/contract';
import { DEFAULT_QUOTA, membersOf, SERVICE_PERMISSIONS } from '../../permissions/granted.js';
import type { Observation } from './observation.js';
import { textOf } from './report.js';
import { generalized, permissionsFrom, type Scopes, withoutCovered } from './scopes.js';
import type { Uses } from './uses.js';

/** Permissions whose use the kernel doesn't see, because the engine carries it out. */
const UNSEEN: ReadonlySet<PermissionName> = new Set(['wasm']);
/** The smallest quota that is written, in bytes. */
const LEAST_QUOTA = 4_096;

/**
 * @param most names of one stem that are listed one by one.
 */
export function observationOf(uses: Uses, most: number): Observation {
  const { id, version, permissions: declared } = uses.manifest;
  const used = permissionsFrom(merged(uses.inside, uses.beside, uses.free));
  const quota = quotaOf(uses, declared);
  const facts = {
    plugin: id,
    version,
    used,
    least: permissionsFrom(leastOf(uses, most), quota.least),
    declared,
    unused: permissionsFrom(unusedOf(uses)),
    missing: permissionsFrom(missingOf(uses, most), quota.missing),
    refused: permissionsFrom(merged(uses.refused)),
    partial: PERMISSION_NAMES.filter((name) => uses.partial.has(name)),
  };
  return { ...facts, text: textOf(facts) };
}

type Lists = readonly (readonly [PermissionName, readonly string[]])[];

function merged(...all: readonly Scopes[]): Lists {
  return PERMISSION_NAMES.map((name) => [
    name,
    withoutCopies(all.flatMap((scopes) => [...(scopes.get(name) ?? [])])),
  ]);
}

const withoutCopies = (scopes: readonly string[]) => [...new Set(scopes)];

/** Rights without their use are dropped. A right that is given to every plugin is not listed. */
function leastOf(uses: Uses, most: number): Lists {
  return PERMISSION_NAMES.filter((name) => !GIVEN.has(name)).map((name) => [
    name,
    withoutCovered(name, [
      ...insideOf(uses, name, most),
      ...generalized(name, besideOf(uses, name), most, () => true),
    ]),
  ]);
}

/** What of the declared scopes was used. It never covers more than they do. */
function insideOf(uses: Uses, name: PermissionName, most: number): readonly string[] {
  const declared = scopesOf(uses.declared, name);
  if (UNSEEN.has(name)) return declared;
  const scopes = [...(uses.inside.get(name) ?? [])];
  const touched = declared.filter((scope) => uses.touched(name, scope));
  if (uses.unbounded.has(name)) return touched;
  if (scopes.length === 0) return uses.anySubject.has(name) ? declared : [];
  const may = (scope: string) => touched.some((one) => reaches(name, one, scope));
  return intersectScopes(name, generalized(name, scopes, most, may), touched);
}

/** Whether a written right covers a scope, regardless of its rate. */
function reaches(name: PermissionName, wide: string, narrow: string): boolean {
  const [one, other] = [parseRight(name, wide), parseRight(name, narrow)];
  return one !== undefined && other !== undefined && rightReaches(name, one, other);
}

const besideOf = (uses: Uses, name: PermissionName) => uses.beside.get(name) ?? [];

/** What was refused stays exact, so that attempts don't add up to more. */
function missingOf(uses: Uses, most: number): Lists {
  return PERMISSION_NAMES.map((name) => [
    name,
    withoutCovered(name, [
      ...(uses.lacking.get(name) ?? []),
      ...generalized(name, besideOf(uses, name), most, () => true),
    ]),
  ]);
}

function unusedOf(uses: Uses): Lists {
  const { permissions } = uses.manifest;
  return PERMISSION_NAMES.filter((name) => !GIVEN.has(name) && !UNSEEN.has(name)).map((name) => [
    name,
    scopesOf(permissions, name).filter((scope) => !isUsed(uses, name, scope)),
  ]);
}

function isUsed(uses: Uses, name: PermissionName, scope: string): boolean {
  if (name === 'services.get')
    return SERVICE_PERMISSIONS.some((one) => uses.touched(one, membersOf(scope)));
  return uses.touched(name, scope) || (uses.anySubject.has(name) && !uses.inside.has(name));
}

/** The least quota, where it is less than the declared one; and the one that would be needed. */
function quotaOf(
  { bytes, inside, beside }: Uses,
  { storage }: Permissions,
): { readonly least?: string | number; readonly missing?: number } {
  const writes = inside.has('storage.write') || beside.has('storage.write');
  if (!writes || bytes === 0) return {};
  const fitting = Math.max(LEAST_QUOTA, 2 ** Math.ceil(Math.log2(bytes)));
  const { quota } = storage ?? {};
  const had = quota === undefined ? DEFAULT_QUOTA : (parseSize(quota) ?? 0);
  if (fitting < had) return { least: fitting };
  return {
    ...(quota !== undefined && { least: quota }),
    ...(bytes > had && { missing: fitting }),
  };
}
