/** What extensions change about the rights of plugins. */
import {
  type Manifest,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseRight,
} from '@plinth/sdk/contract';
import type { Denied } from './broker.js';
import { deniedByEither, deniedOf } from './denied.js';
import { ceilingOf, everything, type GrantedRight, intersect } from './granted.js';

/** What an extension changes about the rights of a plugin. Each part may be absent. */
export interface RightsChange {
  /** What the plugin may do beside what its manifest asks for. Policy bounds it, too. */
  readonly granted?: Permissions;
  /** What the plugin may not do. A grant of the application doesn't give it back. */
  readonly revoked?: Permissions;
  /** The most that the plugin may do, beside what policy allows. */
  readonly ceiling?: Permissions;
}

/** Changes the rights of plugins. */
export interface RightsSource {
  /**
   * What changes for a manifest. It is asked once, and again after a change was told. A plugin
   * about which it throws may do nothing until it answers.
   */
  of(manifest: Manifest): RightsChange | undefined;
}

/** What all sources change for one manifest. */
export interface RightsBeside {
  readonly granted: readonly GrantedRight[];
  readonly denied: Denied;
  /** Undefined when no source bounds the rights. */
  readonly ceiling: Permissions | undefined;
  /** The bounds and what was taken, by extension, to tell which one denies something. */
  readonly by: readonly {
    readonly extension: string;
    readonly ceiling: Permissions | undefined;
    readonly denied: Denied;
  }[];
}

const UNCHANGED: RightsBeside = { granted: [], denied: new Map(), ceiling: undefined, by: [] };

/** Owns the sources of one tenant, and what they have answered. */
export class RightsSources {
  readonly #sources: { readonly extension: string; readonly source: RightsSource }[] = [];
  readonly #report: (extension: string, what: string, error: unknown) => void;
  #known = new WeakMap<Manifest, RightsBeside>();
  /** Extensions whose failure about a plugin was reported, until it answers. */
  readonly #failing = new Set<string>();

  /** Called with the id of a plugin whose rights have changed, or with undefined for all. */
  onChange: ((id: string | undefined) => void) | undefined = undefined;

  constructor(report: (extension: string, what: string, error: unknown) => void) {
    this.#report = report;
  }

  /** Adds a source. Call the answer when what it says of a plugin has changed. */
  add(extension: string, source: RightsSource): (id?: string) => void {
    this.#sources.push({ extension, source });
    this.#known = new WeakMap();
    return (id) => {
      this.#known = new WeakMap();
      this.onChange?.(id);
    };
  }

  /** What all sources change for a manifest. */
  of(manifest: Manifest): RightsBeside {
    if (this.#sources.length === 0) return UNCHANGED;
    const known = this.#known.get(manifest);
    if (known !== undefined) return known;
    let lasting = true;
    let all = UNCHANGED;
    for (const { extension, source } of this.#sources) {
      const once = `${extension} ${manifest.id}`;
      try {
        all = joined(all, manifest, extension, source.of(manifest));
        this.#failing.delete(once);
      } catch (error) {
        lasting = false;
        all = joined(all, manifest, extension, { revoked: everything() });
        if (this.#failing.has(once)) continue;
        this.#failing.add(once);
        const what = `could not tell the rights of ${manifest.id}, which may do nothing until it can`;
        this.#report(extension, what, error);
      }
    }
    if (lasting) this.#known.set(manifest, all);
    return all;
  }
}

/** @throws TypeError for what is no right: it must not be overlooked. */
function joined(
  before: RightsBeside,
  manifest: Manifest,
  extension: string,
  change: RightsChange | undefined,
): RightsBeside {
  if (change === undefined) return before;
  const { granted, revoked, ceiling: most } = change;
  const denied = deniedOf(rightsIn('revoked', revoked).map((one) => ({ ...one, at: 0 })));
  rightsIn('ceiling', most);
  const ceiling = most && ceilingOf(manifest, most);
  return {
    granted: [...before.granted, ...rightsIn('granted', granted)],
    denied: deniedByEither(before.denied, denied),
    ceiling:
      before.ceiling === undefined || ceiling === undefined
        ? (ceiling ?? before.ceiling)
        : intersect(before.ceiling, ceiling),
    by: [...before.by, { extension, ceiling, denied }],
  };
}

/** The rights that a list names, each with one scope. */
function rightsIn(part: string, permissions: Permissions | undefined): readonly GrantedRight[] {
  if (permissions === undefined) return [];
  if (permissions === null || typeof permissions !== 'object')
    throw new TypeError(`'${part}' must be an object, not ${messageOf(permissions)}`);
  return Object.entries(permissions).flatMap(([resource, value]: [string, unknown]) => {
    if (value === null || typeof value !== 'object') return scopesIn(part, resource, value);
    return Object.entries(value).flatMap(([action, scopes]) =>
      resource === 'storage' && action === 'quota'
        ? []
        : scopesIn(part, `${resource}.${action}`, scopes),
    );
  });
}

function scopesIn(part: string, name: string, value: unknown): readonly GrantedRight[] {
  const permission = name as PermissionName;
  if (!PERMISSION_NAMES.includes(permission))
    throw new TypeError(`'${part}' names ${name}, which is not a permission`);
  if (value === undefined || value === false) return [];
  const scopes: readonly unknown[] =
    value === true ? ['*'] : Array.isArray(value) ? value : [value];
  return scopes.map((scope) => {
    if (typeof scope !== 'string' || parseRight(permission, scope) === undefined)
      throw new TypeError(`'${part}' has '${String(scope)}', which is not a scope of ${name}`);
    return { permission, scope };
  });
}
