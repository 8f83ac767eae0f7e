/**
 * What an update gains over the version before: rights, and other facts that decide what it can
 * reach.
 */
import {
  type Isolation,
  type Manifest,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseSize,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import { DEFAULT_QUOTA } from './granted.js';

/**
 * Permissions with the scopes that are new, `*` for a permission without scopes. A larger quota
 * counts as `storage.quota`. Other growth has the manifest's own words: `isolation` (a weaker one),
 * `resources.memory` and its like, `provides`, `activation`, `tenancy`, `middleware` (targets that
 * are new), `middleware.dropped` (targets that are no longer guarded), `requiresAuth.dropped` (its
 * commands). What an extension counts stands as `<point>.<name>`, like `ui.slots`.
 */
export type Growth = Readonly<Record<string, readonly string[]>>;

/** The facts of one version that an update compares. */
export interface Footprint {
  readonly permissions: Permissions;
  readonly manifest: Manifest;
  /** Where it would run. Undefined when that is unknown. */
  readonly isolation: Isolation | undefined;
  /** What it gets by its contributions to points of extensions, as lists by name. */
  readonly reach?: Readonly<Record<string, readonly string[]>>;
}

const STRENGTH: readonly Isolation[] = ['inline', 'worker', 'process', 'sandbox'];

/** Rights to what is always a plugin's own. */
const OWN: ReadonlySet<PermissionName> = new Set(['storage.read', 'storage.write', 'secrets.read']);

/**
 * The rights in `some` that `others` don't cover, and a larger quota. Empty when there are none.
 *
 * @param may whether a right that `others` cover can be used now.
 */
export function rightsBeyond(
  others: Permissions,
  some: Permissions,
  may: (permission: PermissionName, scope: string) => boolean = () => true,
): Growth {
  const beyond: Record<string, readonly string[]> = {};
  for (const name of PERMISSION_NAMES) {
    const had = scopesOf(others, name);
    const more = scopesOf(some, name).filter(
      (scope) =>
        !had.some((one) => scopeCovers(name, one, scope)) || (!OWN.has(name) && !may(name, scope)),
    );
    if (more.length > 0) beyond[name] = more;
  }
  // One that asks for no slot has those that the application gives.
  if (others.ui?.show !== undefined && some.ui?.show === undefined) beyond['ui.show'] = ['*'];
  const quota = quotaOf(some);
  if (quota > quotaOf(others)) beyond['storage.quota'] = [String(quota)];
  return beyond;
}

/** Compares two versions of a plugin. Undefined when the later one gains nothing. */
export function growthOf(before: Footprint, after: Footprint): Growth | undefined {
  const growth: Record<string, readonly string[]> = {
    ...rightsBeyond(before.permissions, after.permissions),
  };
  const add = (name: string, what: readonly string[]) => {
    if (what.length > 0) growth[name] = what;
  };
  if (
    after.isolation !== undefined &&
    before.isolation !== undefined &&
    STRENGTH.indexOf(after.isolation) < STRENGTH.indexOf(before.isolation)
  )
    growth.isolation = [after.isolation];
  for (const name of ['memory', 'cpu', 'timeout', 'concurrency'] as const) {
    const more = resourceOf(after.manifest, name);
    if (more > resourceOf(before.manifest, name))
      growth[`resources.${name}`] = [
        Number.isFinite(more) ? String(after.manifest.resources[name]) : 'unlimited',
      ];
  }
  add('provides', fresh(before.manifest.provides, after.manifest.provides));
  add('activation', fresh(before.manifest.activation, after.manifest.activation));
  if (after.manifest.tenancy === 'shared' && before.manifest.tenancy !== 'shared')
    growth.tenancy = ['shared'];
  const [guarded, guards] = [guardsOf(before.manifest), guardsOf(after.manifest)];
  add('middleware', fresh(targetsOf(before.manifest), targetsOf(after.manifest)));
  for (const [name, all] of Object.entries(after.reach ?? {}))
    add(name, fresh(before.reach?.[name], all));
  add('middleware.dropped', fresh(guards, guarded));
  add('requiresAuth.dropped', fresh(authenticated(after.manifest), authenticated(before.manifest)));
  return Object.keys(growth).length === 0 ? undefined : growth;
}

function quotaOf({ storage }: Permissions): number {
  if (storage?.write === undefined || storage.write === false) return 0;
  return storage.quota === undefined ? DEFAULT_QUOTA : (parseSize(storage.quota) ?? 0);
}

/** A resource without a limit in the manifest is limited by policy alone. */
function resourceOf(
  { resources }: Manifest,
  name: 'memory' | 'cpu' | 'timeout' | 'concurrency',
): number {
  const value = resources[name];
  return value === undefined
    ? Number.POSITIVE_INFINITY
    : typeof value === 'string'
      ? (parseSize(value) ?? 0)
      : value;
}

const fresh = (before: readonly string[] = [], after: readonly string[] = []) =>
  after.filter((one) => !before.includes(one));

const targetsOf = ({ contributes }: Manifest) =>
  (contributes.middleware ?? []).map(({ target }) => target);

/** The targets that its middleware guards and that are not optional. */
function guardsOf({ permissions, contributes }: Manifest): readonly string[] {
  const optional = (contributes.middleware ?? []).flatMap((one) =>
    one.optional ? [one.target] : [],
  );
  return (permissions.middleware?.use ?? []).filter((target) => !optional.includes(target));
}

/**
 * Commands that require a known user. A command that is no longer contributed may be registered
 * without that requirement.
 */
const authenticated = ({ contributes }: Manifest) =>
  (contributes.commands ?? []).flatMap(({ id, requiresAuth }) => (requiresAuth ? [id] : []));
