/** Computes the rights of a plugin, and decides each check in the kernel, not in the guest. */
import {
  coversUrl,
  createError,
  type PermissionName,
  type Permissions,
  type PluginError,
  parseAsked,
  parseSize,
  type Rate,
  rightReaches,
  scopeCovers,
} from '@plinth/sdk/contract';
import type { DenialReason } from '../kernel-events.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Why } from './denial.js';
import { DEFAULT_QUOTA } from './granted.js';
import type { OnAsked } from './observing.js';
import { RateBucket } from './rate.js';
import {
  holds,
  isAddress,
  OWNED,
  overlaps,
  takeAll,
  type Verdict,
  type WrittenRight,
  writtenRights,
} from './written-right.js';

/** Called for each denial. */
export type OnDenied = (
  plugin: string,
  permission: PermissionName,
  scope: string,
  reason: DenialReason | undefined,
) => void;

/** Called for the first use of a right, and again for the first use after a long time. */
export type OnUsed = (permission: PermissionName, scope: string) => void;

/** A revoked scope, and the parts of it that were granted again since. */
export interface DeniedScope {
  readonly scope: string;
  readonly except: readonly string[];
}
/** Revoked scopes by permission. A scope that overlaps one of them is not allowed. */
export type Denied = ReadonlyMap<PermissionName, readonly DeniedScope[]>;
const NONE: Denied = new Map();

/** Bounds on all rights of a plugin together. */
export interface RightBounds {
  /** The most that policy allows. Its rates apply to all uses under it together. */
  readonly ceiling: Permissions | undefined;
  /** Recent uses by permission and right. They survive the end of a guest. */
  readonly rates: Map<string, RateBucket>;
}

/** At most this many uses are announced within {@link NOTED_IN} milliseconds. */
const NOTED = 64;
const NOTED_IN = 60_000;
/** The longest scope that can be allowed: a URL after its method. */
export const MAX_SCOPE = 8_448;
/** Bounds of remembered scopes, each and together, because plugins choose the scopes. */
const MAX_REMEMBERED = 512;
const MAX_CHARACTERS = 131_072;

/** One plugin's rights, compiled for the hot path. Checking a known scope is one Map lookup. */
export class PermissionSet {
  readonly plugin: string;
  #grants: Permissions;
  #denied: Denied;
  readonly #metrics: Metrics;
  readonly #onDenied: OnDenied;
  readonly #onUsed: OnUsed | undefined;
  readonly #noted = new Set<string>();
  readonly #notes = new RateBucket({ count: NOTED, per: NOTED_IN });
  readonly #verdicts = new Map<PermissionName, Map<string, Verdict>>();
  /** Characters of all scopes with a remembered verdict. */
  #characters = 0;
  /** The parsed rights of each permission. */
  readonly #rights = new Map<PermissionName, readonly WrittenRight[]>();
  #bounds: RightBounds;
  readonly #own: string;
  readonly #why: Why | undefined;
  /** Observes all uses. Calls then pass through the kernel, because a lane counts no uses. */
  onAsked: OnAsked | undefined = undefined;

  constructor(
    plugin: string,
    grants: Permissions,
    metrics: Metrics,
    onDenied: OnDenied,
    denied: Denied = NONE,
    onUsed?: OnUsed,
    bounds: RightBounds = { ceiling: undefined, rates: new Map() },
    why?: Why,
  ) {
    this.plugin = plugin;
    this.#grants = grants;
    this.#denied = denied;
    this.#metrics = metrics;
    this.#onDenied = onDenied;
    this.#onUsed = onUsed;
    this.#bounds = bounds;
    this.#why = why;
    this.#own = `${plugin}:`;
  }

  get grants(): Permissions {
    return this.#grants;
  }

  /** Replaces the rights from now on. */
  replace(grants: Permissions, denied: Denied, bounds: RightBounds): void {
    this.#grants = grants;
    this.#denied = denied;
    this.#bounds = bounds;
    this.#noted.clear();
    this.#verdicts.clear();
    this.#characters = 0;
    this.#rights.clear();
  }

  /** Bytes of storage. */
  get quota(): number {
    const { quota } = this.#grants.storage ?? {};
    return quota === undefined ? DEFAULT_QUOTA : (parseSize(quota) ?? 0);
  }

  /** Whether a permission covers a scope. A plugin's own commands, events and hooks are its. */
  check(permission: PermissionName, scope: string): boolean {
    return this.#verdict(permission, scope) !== false;
  }

  /** Whether a permission covers a scope, and no use of it has to be counted or observed. */
  isFree(permission: PermissionName, scope: string): boolean {
    return this.onAsked === undefined && this.#verdict(permission, scope) === true;
  }

  #verdict(permission: PermissionName, scope: string): Verdict {
    this.#metrics.permissionChecks += 1;
    // Lengths are checked first, because a lookup hashes the scope and a decision compares it.
    if (scope.length > MAX_REMEMBERED)
      return scope.length <= MAX_SCOPE && this.#decide(permission, scope);
    let verdicts = this.#verdicts.get(permission);
    if (verdicts === undefined) {
      verdicts = new Map();
      this.#verdicts.set(permission, verdicts);
    }
    let verdict = verdicts.get(scope);
    if (verdict === undefined) {
      verdict = this.#decide(permission, scope);
      // The list entry costs memory, too.
      this.#characters += scope.length + 32;
      if (this.#characters > MAX_CHARACTERS) {
        for (const known of this.#verdicts.values()) known.clear();
        this.#characters = scope.length + 32;
      }
      verdicts.set(scope, verdict);
    }
    return verdict;
  }

  /** Whether a right to fetch a URL names its host, instead of allowing any host. */
  namesHost(url: string): boolean {
    return this.#rightsTo('network.fetch').some(
      ({ right: { scope } }) =>
        scope !== '*' && coversUrl(scope, url) && isAddress(new URL(url).hostname),
    );
  }

  /**
   * Checks and counts a use that is about to happen.
   * @throws PluginPermissionError `permission/denied` that names the plugin, the permission and the
   * cure, PluginOverloadedError `permission/rate` when it was used too often.
   */
  demand(permission: PermissionName, scope: string): void {
    const verdict = this.#verdict(permission, scope);
    if (verdict !== false) {
      this.onAsked?.(permission, scope, true);
      if (this.#onUsed !== undefined) this.#note(permission, scope, this.#onUsed);
      const spent = takeAll(verdict);
      if (spent === undefined) return;
      const { count, per } = spent;
      throw createError(
        'permission/rate',
        `${this.plugin} may use ${permission} for '${scope}' ${count} times in ${per} ms, and has`,
        {
          plugin: this.plugin,
          details: { permission, scope, count, per },
        },
      );
    }
    throw this.deny(permission, scope);
  }

  /**
   * Counts and announces a denial. Returns the error for it, PluginPermissionError
   * `permission/denied`.
   *
   * @param actor the plugin that was about to act on behalf of this one, when it is another.
   */
  deny(permission: PermissionName, scope: string, actor = this.plugin): PluginError {
    const denial = this.#why?.(permission, scope);
    this.#metrics.permissionDenials += 1;
    this.#onDenied(this.plugin, permission, scope, denial?.reason);
    this.onAsked?.(permission, scope, false);
    const what = scope === '' ? permission : `${permission} for '${scope}'`;
    const whose = actor === this.plugin ? '' : ` on behalf of ${this.plugin}, which may not itself`;
    return createError(
      'permission/denied',
      `${actor} may not use ${what}${whose}${denial === undefined ? '' : `: ${denial.because}`}`,
      {
        plugin: actor,
        details: {
          permission,
          scope,
          ...(actor !== this.plugin && { onBehalfOf: this.plugin }),
          ...(denial && { reason: denial.reason, ...(denial.line && { add: denial.line }) }),
        },
      },
    );
  }

  /** Counts a use on behalf of the plugin. Returns whether it is allowed now. */
  take(permission: PermissionName, scope: string): boolean {
    const verdict = this.#verdict(permission, scope);
    if (verdict !== false) this.onAsked?.(permission, scope, true);
    return verdict !== false && takeAll(verdict) === undefined;
  }

  #isOwn(permission: PermissionName, scope: string): boolean {
    return OWNED.has(permission) && scope.startsWith(this.#own);
  }

  /** Announces first uses, at a rate that a person can read. */
  #note(permission: PermissionName, scope: string, tell: OnUsed): void {
    if (this.#isOwn(permission, scope)) return;
    const use = scope.length > MAX_REMEMBERED ? `${permission} …` : `${permission} ${scope}`;
    if (this.#noted.has(use) || !this.#notes.take()) return;
    if (this.#noted.size >= NOTED * 4) this.#noted.clear();
    this.#noted.add(use);
    tell(permission, scope);
  }

  #decide(permission: PermissionName, scope: string): Verdict {
    if (this.#isOwn(permission, scope)) return true;
    const asked = parseAsked(permission, scope);
    /** For each revocation that overlaps the scope, the parts that were granted again since. */
    const back: (readonly string[])[] = [];
    for (const { scope: taken, except } of this.#denied.get(permission) ?? []) {
      const concerned = scope === '' ? taken === '*' : overlaps(permission, taken, asked);
      if (!concerned) continue;
      const given = except.filter((one) =>
        scope === '' ? one === '*' : holds(permission, one, asked),
      );
      if (given.length === 0) return false;
      back.push(given);
    }
    const rights = this.#rightsTo(permission);
    if (scope === '') return rights.length > 0;
    const reaching = (all: readonly WrittenRight[]) =>
      all.filter(({ right }) => rightReaches(permission, right, asked));
    // A right that was granted again covers only its own scope, with its rate if it has one.
    const fitting = reaching(rights).filter(({ text }) =>
      back.every((given) => given.some((one) => scopeCovers(permission, one, text))),
    );
    if (fitting.length === 0) return false;
    const rated = [
      this.#ratesOf(`${permission} `, fitting),
      this.#ratesOf(
        `policy ${permission} `,
        reaching(writtenRights(permission, this.#bounds.ceiling ?? {})),
      ),
    ].flatMap((rates) => (rates === undefined ? [] : [rates]));
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

  /** The rates of a scope. Undefined without rights, or when one of them has no rate. */
  #ratesOf(prefix: string, rights: readonly WrittenRight[]): readonly RateBucket[] | undefined {
    if (rights.length === 0 || rights.some(({ right }) => right.rate === undefined))
      return undefined;
    const { rates } = this.#bounds;
    return rights.map(({ text, right }) => {
      const known = rates.get(prefix + text) ?? new RateBucket(right.rate as Rate);
      rates.set(prefix + text, known);
      return known;
    });
  }
}
