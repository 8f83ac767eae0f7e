/** Who may do what: computes what a plugin was given, and answers each check in the kernel, not in the guest. */
import {
  coversUrl,
  createError,
  intersectScopes,
  type Manifest,
  meetRights,
  parseAsked,
  parseRight,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseNeed,
  parseSize,
  type Rate,
  type Right,
  rightReaches,
  scopesOf,
} from '@plinth/sdk/contract';
import type { Metrics } from '../telemetry/metrics.js';
import { RateBucket } from './rate.js';

/** Bytes a plugin may store when its manifest asks for storage without a quota. */
export const DEFAULT_QUOTA = 5_000_000;

/** What a plugin's policy allows at most: fixed, or decided per manifest. Undefined allows what the manifest asks. */
export type PermissionPolicy = Permissions | ((manifest: Manifest) => Permissions | undefined);

/** Gets told of each denial. */
export type OnDenied = (plugin: string, permission: PermissionName, scope: string) => void;

/** Gets told when a right is used for the first time, or for the first time after long. */
export type OnUsed = (permission: PermissionName, scope: string) => void;

/** What runs: what the manifest asks ∩ what policy allows. A need, and a right to a service, is one to its contract's members. */
export function grantsOf(manifest: Manifest, policy: PermissionPolicy | undefined): Permissions {
  const { permissions, needs } = manifest;
  const asked = withMembers(
    permissions,
    needs.map((need) => (parseNeed(need) as { base: string }).base),
  );
  const allowed = typeof policy === 'function' ? policy(manifest) : policy;
  return allowed === undefined ? asked : intersect(asked, withMembers(allowed, []));
}

/** Scopes of the members of services: `com.example.search` has `com.example.search:*`, and `com.example.*` is itself one of its members. */
export const membersOf = (service: string): string => (service.endsWith('*') ? service : `${service}:*`);

/** The permissions that a right to a service brings. */
export const SERVICE_PERMISSIONS: readonly PermissionName[] = ['commands.execute', 'events.subscribe', 'hooks.call', 'hooks.handle'];

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

function intersect(asked: Permissions, allowed: Permissions): Permissions {
  const result: Record<string, unknown> = {};
  for (const name of PERMISSION_NAMES) {
    const [resource, action] = name.split('.') as [string, string | undefined];
    const scopes = intersectScopes(name, scopesOf(asked, name), scopesOf(allowed, name));
    if (scopes.length === 0) continue;
    const whole = resource === 'storage' && scopes.includes('*');
    if (action === undefined) result[resource] = true;
    else result[resource] = { ...(result[resource] as object | undefined), [action]: whole ? true : scopes };
  }
  const quotas = [asked.storage?.quota, allowed.storage?.quota].flatMap((quota) => (quota === undefined ? [] : [parseSize(quota) as number]));
  if (result.storage !== undefined && quotas.length > 0) result.storage = { ...(result.storage as object), quota: Math.min(...quotas) };
  return result as Permissions;
}

/** A scope that was taken away, and what of it was given back since. */
export interface DeniedScope {
  readonly scope: string;
  readonly except: readonly string[];
}
/** Scopes that were taken away, by permission. What overlaps one of them is not allowed. */
export type Denied = ReadonlyMap<PermissionName, readonly DeniedScope[]>;
const NONE: Denied = new Map();

/** One plugin's rights, compiled for the hot path: a check of a known scope is one Map lookup. */
export class PermissionSet {
  readonly plugin: string;
  #grants: Permissions;
  #denied: Denied;
  readonly #metrics: Metrics;
  readonly #onDenied: OnDenied;
  readonly #onUsed: OnUsed | undefined;
  /** Whether the last verdict was made anew. */
  #fresh = false;
  readonly #verdicts = new Map<PermissionName, Map<string, Verdict>>();
  /** The rights of each permission, taken apart. */
  readonly #rights = new Map<PermissionName, readonly { readonly text: string; readonly right: Right }[]>();
  /** By permission and right; they outlive a change of rights. */
  readonly #rates = new Map<string, RateBucket>();
  readonly #own: string;

  constructor(plugin: string, grants: Permissions, metrics: Metrics, onDenied: OnDenied, denied: Denied = NONE, onUsed?: OnUsed) {
    this.plugin = plugin;
    this.#grants = grants;
    this.#denied = denied;
    this.#metrics = metrics;
    this.#onDenied = onDenied;
    this.#onUsed = onUsed;
    this.#own = `${plugin}:`;
  }

  get grants(): Permissions {
    return this.#grants;
  }

  /** Other rights from now on. */
  replace(grants: Permissions, denied: Denied): void {
    this.#grants = grants;
    this.#denied = denied;
    this.#verdicts.clear();
    this.#rights.clear();
  }

  /** Bytes of storage. */
  get quota(): number {
    const { quota } = this.#grants.storage ?? {};
    return quota === undefined ? DEFAULT_QUOTA : (parseSize(quota) ?? 0);
  }

  /** Whether a permission covers a scope. A plugin's own commands, events and hooks are always its own. */
  check(permission: PermissionName, scope: string): boolean {
    return this.#verdict(permission, scope) !== false;
  }

  /** Whether it covers a scope without a rate: then nobody has to count. */
  isFree(permission: PermissionName, scope: string): boolean {
    return this.#verdict(permission, scope) === true;
  }

  #verdict(permission: PermissionName, scope: string): Verdict {
    this.#metrics.permissionChecks += 1;
    let verdicts = this.#verdicts.get(permission);
    if (verdicts === undefined) {
      verdicts = new Map();
      this.#verdicts.set(permission, verdicts);
    }
    let verdict = verdicts.get(scope);
    if (verdict === undefined) {
      verdict = this.#decide(permission, scope);
      this.#fresh = true;
      // Scopes come from the plugin: a bound keeps it from growing the table.
      if (verdicts.size >= 1_024) verdicts.clear();
      verdicts.set(scope, verdict);
    }
    return verdict;
  }

  /** Whether a right to fetch a URL names its host, rather than allow whatever there is. */
  namesHost(url: string): boolean {
    return this.#rightsTo('network.fetch').some(({ right: { scope } }) => scope !== '*' && coversUrl(scope, url) && isAddress(new URL(url).hostname));
  }

  /**
   * Something is about to be done.
   *
   * @throws PluginPermissionError `permission/denied` that names the plugin, the permission and the cure, PluginOverloadedError `permission/rate`
   * when it was done too often.
   */
  demand(permission: PermissionName, scope: string): void {
    this.#fresh = false;
    const verdict = this.#verdict(permission, scope);
    if (this.#fresh && verdict !== false) this.#onUsed?.(permission, scope);
    if (verdict === true) return;
    if (verdict !== false) {
      if (verdict.some((rate) => rate.take())) return;
      const { count, per } = (verdict[0] as RateBucket).rate;
      throw createError('permission/rate', `${this.plugin} may use ${permission} for '${scope}' ${count} times in ${per} ms, and has`, {
        plugin: this.plugin,
        details: { permission, scope, count, per },
      });
    }
    this.#metrics.permissionDenials += 1;
    this.#onDenied(this.plugin, permission, scope);
    const what = scope === '' ? permission : `${permission} for '${scope}'`;
    throw createError('permission/denied', `${this.plugin} may not use ${what}: its manifest doesn't ask for it, policy refuses it, or it was revoked`, {
      plugin: this.plugin,
      details: { permission, scope },
    });
  }

  #decide(permission: PermissionName, scope: string): Verdict {
    if (OWNED.has(permission) && scope.startsWith(this.#own)) return true;
    const asked = parseAsked(permission, scope);
    for (const { scope: taken, except } of this.#denied.get(permission) ?? []) {
      const concerned = scope === '' ? taken === '*' : overlaps(permission, taken, asked);
      if (concerned && !except.some((one) => (scope === '' ? one === '*' : holds(permission, one, asked)))) return false;
    }
    const rights = this.#rightsTo(permission);
    if (scope === '') return rights.length > 0;
    const fitting = rights.filter(({ right }) => rightReaches(permission, right, asked));
    if (fitting.some(({ right }) => right.rate === undefined)) return true;
    return fitting.length > 0 && fitting.map(({ text, right }) => this.#rateOf(permission, text, right));
  }

  #rightsTo(permission: PermissionName): readonly { readonly text: string; readonly right: Right }[] {
    let rights = this.#rights.get(permission);
    if (rights === undefined) {
      rights = scopesOf(this.#grants, permission).flatMap((text) => {
        const right = parseRight(permission, text);
        return right === undefined ? [] : [{ text, right }];
      });
      this.#rights.set(permission, rights);
    }
    return rights;
  }

  #rateOf(permission: PermissionName, text: string, { rate }: Right): RateBucket {
    const key = `${permission} ${text}`;
    const known = this.#rates.get(key) ?? new RateBucket(rate as Rate);
    this.#rates.set(key, known);
    return known;
  }
}

/** Yes, no, or as often as one of these says. */
type Verdict = boolean | readonly RateBucket[];

function overlaps(permission: PermissionName, text: string, asked: Right): boolean {
  const right = parseRight(permission, text);
  return right !== undefined && meetRights(permission, right, asked) !== undefined;
}

function holds(permission: PermissionName, text: string, asked: Right): boolean {
  const right = parseRight(permission, text);
  return right !== undefined && rightReaches(permission, right, asked);
}

/** Whether a host is said by its address, or as this machine: a name may lead anywhere. */
const isAddress = (host: string) => host === 'localhost' || host.startsWith('[') || /^[\d.]+$/.test(host);

const OWNED: ReadonlySet<PermissionName> = new Set(['commands.execute', 'events.subscribe', 'events.emit', 'hooks.call', 'hooks.handle']);
