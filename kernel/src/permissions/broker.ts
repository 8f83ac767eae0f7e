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
  scopeCovers,
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

/** Gets told when something is done for the first time, or for the first time after long. */
export type OnUsed = (permission: PermissionName, scope: string) => void;

/** What runs: what the manifest asks ∩ what policy allows. A need, and a right to a service, is one to its contract's members. */
export function grantsOf(manifest: Manifest, policy: PermissionPolicy | undefined): Permissions {
  const { permissions, needs } = manifest;
  const asked = withMembers(
    permissions,
    needs.map((need) => (parseNeed(need) as { base: string }).base),
  );
  const allowed = ceilingOf(manifest, policy);
  return allowed === undefined ? asked : intersect(asked, allowed);
}

/** What policy allows at most; undefined for all. */
export function ceilingOf(manifest: Manifest, policy: PermissionPolicy | undefined): Permissions | undefined {
  const allowed = typeof policy === 'function' ? policy(manifest) : policy;
  return allowed === undefined ? undefined : withMembers(allowed, []);
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
    const whole = resource === 'storage' && scopes.length === 1 && scopes[0] === '*';
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

/** What holds a plugin's rights as a whole. */
export interface RightBounds {
  /** What policy allows at most: its rates hold for all that is asked for under them together. */
  readonly ceiling: Permissions | undefined;
  /** How often rights were used of late, by permission and right: a guest may end, what it has used stays used. */
  readonly rates: Map<string, RateBucket>;
}

/** Things that are told to have been done within {@link NOTED_IN} milliseconds. */
const NOTED = 64;
const NOTED_IN = 60_000;
/** Scopes of one permission that are remembered: they come from the plugin. */
const MAX_SCOPES = 1_024;

/** One plugin's rights, compiled for the hot path: a check of a known scope is one Map lookup. */
export class PermissionSet {
  readonly plugin: string;
  #grants: Permissions;
  #denied: Denied;
  readonly #metrics: Metrics;
  readonly #onDenied: OnDenied;
  readonly #onUsed: OnUsed | undefined;
  readonly #noted = new Map<PermissionName, Set<string>>();
  readonly #notes = new RateBucket({ count: NOTED, per: NOTED_IN });
  readonly #verdicts = new Map<PermissionName, Map<string, Verdict>>();
  /** The rights of each permission, taken apart. */
  readonly #rights = new Map<PermissionName, readonly WrittenRight[]>();
  #bounds: RightBounds;
  readonly #own: string;

  constructor(
    plugin: string,
    grants: Permissions,
    metrics: Metrics,
    onDenied: OnDenied,
    denied: Denied = NONE,
    onUsed?: OnUsed,
    bounds: RightBounds = { ceiling: undefined, rates: new Map() },
  ) {
    this.plugin = plugin;
    this.#grants = grants;
    this.#denied = denied;
    this.#metrics = metrics;
    this.#onDenied = onDenied;
    this.#onUsed = onUsed;
    this.#bounds = bounds;
    this.#own = `${plugin}:`;
  }

  get grants(): Permissions {
    return this.#grants;
  }

  /** Other rights from now on. */
  replace(grants: Permissions, denied: Denied, bounds: RightBounds): void {
    this.#grants = grants;
    this.#denied = denied;
    this.#bounds = bounds;
    this.#noted.clear();
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
      if (verdicts.size >= MAX_SCOPES) verdicts.clear();
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
    const verdict = this.#verdict(permission, scope);
    if (verdict !== false) {
      if (this.#onUsed !== undefined) this.#note(permission, scope, this.#onUsed);
      const spent = takeAll(verdict);
      if (spent === undefined) return;
      const { count, per } = spent;
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

  /** Counts something that is done on behalf of the plugin; answers whether it may be done now. */
  take(permission: PermissionName, scope: string): boolean {
    const verdict = this.#verdict(permission, scope);
    return verdict !== false && takeAll(verdict) === undefined;
  }

  #isOwn(permission: PermissionName, scope: string): boolean {
    return OWNED.has(permission) && scope.startsWith(this.#own);
  }

  /** Tells of what is done for the first time, as often as somebody could read it. */
  #note(permission: PermissionName, scope: string, tell: OnUsed): void {
    if (this.#isOwn(permission, scope)) return;
    const noted = this.#noted.get(permission) ?? new Set();
    this.#noted.set(permission, noted);
    if (noted.has(scope) || !this.#notes.take()) return;
    if (noted.size >= MAX_SCOPES) noted.clear();
    noted.add(scope);
    tell(permission, scope);
  }

  #decide(permission: PermissionName, scope: string): Verdict {
    if (this.#isOwn(permission, scope)) return true;
    const asked = parseAsked(permission, scope);
    /** Of each revocation that concerns it, what was given back since. */
    const back: (readonly string[])[] = [];
    for (const { scope: taken, except } of this.#denied.get(permission) ?? []) {
      const concerned = scope === '' ? taken === '*' : overlaps(permission, taken, asked);
      if (!concerned) continue;
      const given = except.filter((one) => (scope === '' ? one === '*' : holds(permission, one, asked)));
      if (given.length === 0) return false;
      back.push(given);
    }
    const rights = this.#rightsTo(permission);
    if (scope === '') return rights.length > 0;
    const reaching = (all: readonly WrittenRight[]) => all.filter(({ right }) => rightReaches(permission, right, asked));
    // What was given back is no more than that: with its rate, if it has one.
    const fitting = reaching(rights).filter(({ text }) => back.every((given) => given.some((one) => scopeCovers(permission, one, text))));
    if (fitting.length === 0) return false;
    const rated = [this.#ratesOf(`${permission} `, fitting), this.#ratesOf(`policy ${permission} `, reaching(writtenRights(permission, this.#bounds.ceiling ?? {})))].flatMap(
      (rates) => (rates === undefined ? [] : [rates]),
    );
    return rated.length === 0 || rated;
  }

  #rightsTo(permission: PermissionName): readonly WrittenRight[] {
    let rights = this.#rights.get(permission);
    if (rights === undefined) {
      rights = writtenRights(permission, this.#grants);
      this.#rights.set(permission, rights);
    }
    return rights;
  }

  /** Undefined when one of the rights has no rate, or there is none. */
  #ratesOf(prefix: string, rights: readonly WrittenRight[]): readonly RateBucket[] | undefined {
    if (rights.length === 0 || rights.some(({ right }) => right.rate === undefined)) return undefined;
    const { rates } = this.#bounds;
    return rights.map(({ text, right }) => {
      const known = rates.get(prefix + text) ?? new RateBucket(right.rate as Rate);
      rates.set(prefix + text, known);
      return known;
    });
  }
}

/** A right, as it is written and taken apart. */
interface WrittenRight {
  readonly text: string;
  readonly right: Right;
}

function writtenRights(permission: PermissionName, permissions: Permissions): readonly WrittenRight[] {
  return scopesOf(permissions, permission).flatMap((text) => {
    const right = parseRight(permission, text);
    return right === undefined ? [] : [{ text, right }];
  });
}

/** Yes, no, or as often as one of each of these says. */
type Verdict = boolean | readonly (readonly RateBucket[])[];

/** Counts one use; answers the rate that is used up. */
function takeAll(verdict: Verdict): Rate | undefined {
  if (typeof verdict === 'boolean') return undefined;
  return verdict.find((rates) => !rates.some((rate) => rate.take()))?.[0]?.rate;
}

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
