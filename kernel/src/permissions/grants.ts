/**
 * The current rights of plugins: (what the manifest asks for + what was granted) ∩ what policy
 * allows, without what was revoked. A change applies from the next message on. Resources that were
 * opened under a lost right are closed.
 */
import {
  A_TIME,
  type Alarm,
  alarm,
  type Caller,
  createError,
  FLAGS,
  isTime,
  type Manifest,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseAsked,
  parseRight,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import { KeyedQueue } from '../concurrency.js';
import type { StorageAdapter } from '../host.js';
import type { KernelEvents } from '../kernel-events.js';
import type { Log } from '../telemetry/logger.js';
import type { Denied, DeniedScope, PermissionSet, RightBounds } from './broker.js';
import { type Denial, denialOf, lineOf } from './denial.js';
import {
  askingForAll,
  ceilingOf,
  grantsOf,
  membersOf,
  type PermissionPolicy,
  SERVICE_PERMISSIONS,
} from './granted.js';
import type { RateBucket } from './rate.js';
import type { TrustVerdict } from './trust-level.js';

/** How long a right is granted. */
export interface GrantOptions {
  /** Milliseconds until it expires. Absent or Infinity: permanent, also after a restart. */
  readonly for?: number;
}

/** The same, with terms that only the kernel sets. */
interface GrantTerms extends GrantOptions {
  /** Whether the right was granted on the plugin's request. */
  readonly asked?: boolean;
}

/** Whose rights apply when a plugin acts on a caller's behalf. `intersect`: the rights that all in the call chain have. `own`: its own rights. `strict`: like `intersect`, and an action without a known call needs the rights of all open calls. */
export type ChainPolicy = 'intersect' | 'strict' | 'own';

/** The part of a call that is needed to walk a call chain. */
export interface ChainLink {
  readonly caller: Caller;
  readonly parent: ChainLink | undefined;
}

/** The caller in a call chain that lacks a right, and why. */
export interface Lacking {
  readonly caller: Caller;
  readonly why: 'denied' | 'rate';
}

/** Rights that can be used for others. Storage and secrets are always a plugin's own. */
const DELEGATED: readonly PermissionName[] = [
  'commands.execute',
  'events.emit',
  'hooks.call',
  'messaging.send',
  'network.fetch',
  'config.read',
  'config.write',
  'plugins.manage',
  'system.read',
];

/** What grants need of the kernel. */
export interface GrantsParts {
  readonly policy: PermissionPolicy | undefined;
  readonly chain: ChainPolicy | undefined;
  /** How far a plugin is trusted, as far as that is decided and known. */
  trustOf(manifest: Manifest): TrustVerdict;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

interface Entry {
  readonly permission: PermissionName;
  readonly scope: string;
  /** Its position among the plugin's grants and revocations. The later one counts. */
  readonly at: number;
  /** Whether it is kept in the storage. */
  readonly lasting: boolean;
  alarm?: Alarm | undefined;
}

interface State {
  granted: Entry[];
  revoked: Entry[];
}

interface Watched {
  readonly manifest: Manifest;
  readonly set: PermissionSet;
  onChange(): void;
}

/** The format in which grants are kept. */
const FORMAT = 1;
/** The most grants and revocations of one plugin. */
const MAX_ENTRIES = 1_024;
const MAX_SCOPE = 1_024;

/** Owns the grants and revocations of one tenant. */
export class Grants {
  readonly #parts: GrantsParts;
  readonly #states = new Map<string, State>();
  readonly #watched = new Map<string, Set<Watched>>();
  readonly #turns = new KeyedQueue();
  /** How often rights were used, by plugin. */
  readonly #rates = new Map<string, Map<string, RateBucket>>();
  /** The rights of guests, by their caller objects. */
  readonly #callers = new WeakMap<Caller, PermissionSet>();
  readonly #manifests = new WeakMap<Caller, Manifest>();
  #closed = false;

  /** Called with the id of the plugin whose rights have changed. */
  onChange: ((id: string) => void) | undefined = undefined;

  constructor(parts: GrantsParts) {
    this.#parts = parts;
  }

  /** Reads the kept grants. Unreadable entries are reported, and grant nothing. */
  async open(): Promise<void> {
    const { storage, log } = this.#parts;
    const prefix = this.#key('');
    try {
      for (const key of await storage.keys(prefix)) {
        const id = key.slice(prefix.length);
        try {
          this.#states.set(id, stateOf(await storage.get(key)));
        } catch (error) {
          // Unreadable revocations must not restore rights, so everything is revoked.
          this.#states.set(id, {
            granted: [],
            revoked: PERMISSION_NAMES.map((permission) => ({
              permission,
              scope: '*',
              at: 0,
              lasting: false,
            })),
          });
          log.write(
            'kernel',
            'error',
            `the kept grants of ${id} cannot be read, it may do nothing: ${messageOf(error)}`,
            { plugin: id },
          );
        }
      }
    } catch (error) {
      throw createError('storage/failed', `kept grants could not be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Whether rights of a plugin were granted or revoked beside its manifest. */
  has(id: string): boolean {
    return this.#states.has(id);
  }

  /** The current rights of a plugin, as a list. */
  of(manifest: Manifest): Permissions {
    const given = grantsOf(this.#asking(manifest), this.#parts.policy);
    const provide = this.#providesByTrust(manifest, this.#parts.trustOf(manifest));
    return provide === undefined ? given : { ...given, contracts: { provide } };
  }

  /** The same for a reader: rights from trust are listed only as far as they are used. */
  listed(manifest: Manifest): Permissions {
    const asked = this.asked(manifest);
    const open = (manifest.provides ?? [])
      .map((contract) => parseAsked('contracts.provide', contract).scope)
      .filter((contract) => contract !== manifest.id);
    const provide = [
      ...new Set([
        ...scopesOf(asked, 'contracts.provide'),
        ...open.filter((contract) => this.mayProvide(manifest, contract)),
      ]),
    ];
    const { contracts: _, ...all } = grantsOf(this.#asking(manifest), this.#parts.policy);
    return provide.length === 0 ? all : { ...all, contracts: { provide } };
  }

  /** What a plugin asks for and was granted, within policy; without what trust adds. */
  asked(manifest: Manifest): Permissions {
    return grantsOf(this.#withGranted(manifest), this.#parts.policy);
  }

  /** Whether a plugin may provide an open contract, or may once its signature is checked. */
  mayProvide(manifest: Manifest, contract: string): boolean {
    const trust = this.#parts.trustOf(manifest);
    const provide = this.#providesByTrust(manifest, trust === 'unknown' ? 'trusted' : trust);
    const given =
      provide ??
      scopesOf(grantsOf(this.#asking(manifest), this.#parts.policy), 'contracts.provide');
    const denied = this.denied(manifest.id).get('contracts.provide') ?? [];
    const covered = (scopes: readonly string[]) =>
      scopes.some((scope) => scopeCovers('contracts.provide', scope, contract));
    return (
      covered(given) && denied.every(({ scope, except }) => !covered([scope]) || covered(except))
    );
  }

  /** Open contracts that a trusted plugin may provide unasked: all, unless policy lists some. */
  #providesByTrust(manifest: Manifest, trust: TrustVerdict): readonly string[] | undefined {
    const { policy } = this.#parts;
    // Without any policy, plugins are the application's own.
    if (trust !== 'trusted' && !(trust === 'undecided' && policy === undefined)) return undefined;
    const ceiling = ceilingOf(this.#asking(manifest), policy);
    return ceiling?.contracts === undefined ? ['*'] : (ceiling.contracts.provide ?? []);
  }

  /** Whether a plugin has a permission for any scope. */
  may(manifest: Manifest, permission: PermissionName): boolean {
    const revoked =
      this.denied(manifest.id)
        .get(permission)
        ?.some(({ scope, except }) => scope === '*' && !except.includes('*')) === true;
    return !revoked && scopesOf(this.of(manifest), permission).length > 0;
  }

  /** The bounds on all rights of a plugin together. */
  bounds(manifest: Manifest): RightBounds {
    const rates = this.#rates.get(manifest.id) ?? new Map();
    this.#rates.set(manifest.id, rates);
    return { ceiling: ceilingOf(this.#asking(manifest), this.#parts.policy), rates };
  }

  /** Whether an action without a known call needs the rights of all open calls. */
  get strict(): boolean {
    return this.#parts.chain === 'strict';
  }

  /** Finds the first caller in call chains that lacks the right for an action, or has exhausted its rate. Undefined when all callers may. The use is counted for each of them. A plugin may always use for others what is its own. */
  lacking(
    chains: readonly ChainLink[],
    actor: string,
    permission: PermissionName,
    scope: string,
  ): Lacking | undefined {
    if (this.#parts.chain === 'own' || scope.startsWith(`${actor}:`)) return undefined;
    let counted: PermissionSet[] | undefined;
    for (const chain of chains) {
      for (let call: ChainLink | undefined = chain; call !== undefined; call = call.parent) {
        const { caller } = call;
        const set = this.#callers.get(caller);
        if (set === undefined || set.isFree(permission, scope)) continue;
        if (!set.check(permission, scope)) return { caller, why: 'denied' };
        // Each plugin is counted once, however often it occurs in the chain. The actor was counted
        // before.
        if (set.plugin === actor || counted?.includes(set)) continue;
        counted ??= [];
        counted.push(set);
        if (!set.take(permission, scope)) return { caller, why: 'rate' };
      }
    }
    return undefined;
  }

  /**
   * Demands a right from the callers of calls, for an action of a plugin that may do it itself.
   *
   * @throws PluginPermissionError `permission/denied`, PluginOverloadedError `permission/rate` when
   * one of them may not.
   */
  demandFor(
    calls: readonly ChainLink[],
    actor: string,
    permission: PermissionName,
    scope: string,
  ): void {
    if (calls.length === 0) return;
    const lacking = this.lacking(calls, actor, permission, scope);
    if (lacking === undefined) return;
    const { id } = lacking.caller;
    if (lacking.why === 'denied') throw this.deniedFor(lacking.caller, actor, permission, scope);
    throw createError(
      'permission/rate',
      `${actor} may not use ${permission} for '${scope}' on behalf of ${id}, which has used it too often`,
      {
        plugin: actor,
        details: { permission, scope, onBehalfOf: id },
      },
    );
  }

  /** Whether all callers of calls have a right. Nothing is counted. */
  mayFor(calls: readonly ChainLink[], permission: PermissionName, scope: string): boolean {
    if (this.#parts.chain === 'own') return true;
    return calls.every((call) => {
      for (let link: ChainLink | undefined = call; link !== undefined; link = link.parent)
        if (this.#callers.get(link.caller)?.check(permission, scope) === false) return false;
      return true;
    });
  }

  /** The rights of a running plugin, by its caller object. Undefined for the application. */
  rightsOf(caller: Caller): PermissionSet | undefined {
    return this.#callers.get(caller);
  }

  /** The manifest of a running plugin, by its caller object. Undefined for the application. */
  manifestOf(caller: Caller): Manifest | undefined {
    return this.#manifests.get(caller);
  }

  /** The error for a right that a caller in the chain lacks, when another plugin acts for it. */
  deniedFor(caller: Caller, actor: string, permission: PermissionName, scope: string): Error {
    const set = this.#callers.get(caller);
    return (
      set?.deny(permission, scope, actor) ??
      createError(
        'permission/denied',
        `${actor} may not use ${permission} for '${scope}' on behalf of ${caller.id}`,
        { plugin: actor },
      )
    );
  }

  /** Why a plugin lacks a right. */
  why(manifest: Manifest, permission: PermissionName, scope: string): Denial {
    const asking = this.#asking(manifest);
    const facts = {
      plugin: manifest.id,
      asked: grantsOf(asking, undefined),
      ceiling: ceilingOf(asking, this.#parts.policy),
      denied: this.denied(manifest.id),
    };
    return denialOf(facts, permission, scope);
  }

  /** Whether a guest has no right that its callers need, too. Calls then need no check here. */
  isLeaf({ grants }: PermissionSet): boolean {
    return (
      this.#parts.chain === 'own' ||
      DELEGATED.every((permission) => scopesOf(grants, permission).length === 0)
    );
  }

  /** The scopes that were revoked. */
  denied(id: string): Denied {
    const denied = new Map<PermissionName, DeniedScope[]>();
    const { granted, revoked } = this.#state(id);
    for (const { permission, scope, at } of revoked) {
      const except = granted.flatMap((entry) =>
        entry.permission === permission && entry.at > at ? [entry.scope] : [],
      );
      const deny = (name: PermissionName, one: DeniedScope) =>
        denied.set(name, [...(denied.get(name) ?? []), one]);
      deny(permission, { scope, except });
      // Revoking a service revokes its members, unless they were granted separately since.
      if (permission === 'services.get')
        for (const name of SERVICE_PERMISSIONS) {
          const given = granted.flatMap((entry) =>
            entry.permission === name && entry.at > at ? [entry.scope] : [],
          );
          deny(name, { scope: membersOf(scope), except: [...except.map(membersOf), ...given] });
        }
    }
    return denied;
  }

  /** Keeps a guest's rights current. Returns a function that stops watching. */
  watch(manifest: Manifest, caller: Caller, set: PermissionSet, onChange: () => void): () => void {
    this.#callers.set(caller, set);
    this.#manifests.set(caller, manifest);
    const watched: Watched = { manifest, set, onChange };
    const all = this.#watched.get(manifest.id) ?? new Set();
    this.#watched.set(manifest.id, all.add(watched));
    return () => {
      all.delete(watched);
      if (all.size === 0 && this.#watched.get(manifest.id) === all)
        this.#watched.delete(manifest.id);
    };
  }

  /**
   * Grants a plugin a right at once. Resolves when that is kept.
   *
   * @throws PluginPermissionError `permission/denied` when policy doesn't allow it,
   * PluginValidationError `permission/invalid`.
   */
  async grant(
    manifest: Manifest,
    permission: PermissionName,
    scope: string,
    options: GrantTerms = {},
  ): Promise<void> {
    const { id } = manifest;
    this.#check(id, permission, scope, options);
    if (!this.mayGet(manifest, permission, scope)) {
      const add = lineOf(permission, scope);
      throw createError(
        'permission/denied',
        `${id} cannot be granted ${permission} for '${scope}': policy doesn't allow it; the application allows it by adding to its 'policy' option: ${add}`,
        {
          plugin: id,
          details: { permission, scope, reason: 'policy', add },
        },
      );
    }
    const state = this.#state(id);
    // A temporary grant only hides a revocation, which applies again afterwards.
    if (options.for === undefined) state.revoked = without(state.revoked, permission, scope);
    this.#add(id, state, 'granted', permission, scope, options);
    this.#changed(id);
    this.#parts.announce('permission:granted', {
      plugin: id,
      permission,
      scope,
      ...(options.for !== undefined && { for: options.for }),
      ...(options.asked && { asked: true }),
    });
    await this.#keep(id);
  }

  /** Revokes a right at once, and closes what was opened under it. Resolves when that is kept. */
  async revoke(id: string, permission: PermissionName, scope: string): Promise<void> {
    this.#check(id, permission, scope, {});
    const state = this.#state(id);
    state.granted = without(state.granted, permission, scope);
    this.#add(id, state, 'revoked', permission, scope, {});
    this.#changed(id);
    this.#parts.announce('permission:revoked', { plugin: id, permission, scope });
    await this.#keep(id);
  }

  /** Deletes the grants and revocations of a plugin. */
  async purge(id: string): Promise<void> {
    const state = this.#states.get(id);
    if (state === undefined) return;
    for (const permission of PERMISSION_NAMES)
      for (const list of ['granted', 'revoked'] as const)
        state[list] = without(state[list], permission, '*');
    this.#states.delete(id);
    this.#changed(id);
    const deleted = this.#turns.run(id, () => this.#parts.storage.delete(this.#key(id)));
    await deleted.catch((cause: unknown) => {
      throw createError(
        'storage/failed',
        `the grants of ${id} are gone now, and could not be deleted: ${messageOf(cause)}`,
        { plugin: id, cause },
      );
    });
  }

  /** Whether policy would allow a plugin a right. */
  mayGet(manifest: Manifest, permission: PermissionName, scope: string): boolean {
    const asking = { ...manifest, permissions: extended({}, [{ permission, scope }]), needs: [] };
    return scopesOf(grantsOf(asking, this.#parts.policy), permission).some((one) =>
      scopeCovers(permission, one, scope),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { granted, revoked } of this.#states.values())
      for (const { alarm: end } of [...granted, ...revoked]) end?.clear();
    await this.#turns.idle();
  }

  #asking(manifest: Manifest): Manifest {
    // Only policy bounds a trusted plugin, whatever its manifest lists.
    return this.#parts.trustOf(manifest) === 'trusted'
      ? askingForAll(manifest)
      : this.#withGranted(manifest);
  }

  #withGranted(manifest: Manifest): Manifest {
    const granted = this.#states.get(manifest.id)?.granted ?? [];
    return granted.length === 0
      ? manifest
      : { ...manifest, permissions: extended(manifest.permissions, granted) };
  }

  #state(id: string): State {
    const state = this.#states.get(id) ?? { granted: [], revoked: [] };
    this.#states.set(id, state);
    return state;
  }

  #check(id: string, permission: PermissionName, scope: string, { for: time }: GrantOptions): void {
    const wrong = !PERMISSION_NAMES.includes(permission)
      ? `'${String(permission).slice(0, 64)}' is not a permission`
      : typeof scope !== 'string' ||
          scope === '' ||
          scope.length > MAX_SCOPE ||
          parseRight(permission, scope) === undefined
        ? `'${String(scope).slice(0, 80)}' is not a scope of ${permission}: an exact text, or a prefix that ends in '*', perhaps with a rate, like 'app:* 10/s'`
        : time !== undefined && !isTime(time)
          ? `'for' must be ${A_TIME}, not ${String(time)}`
          : (this.#states.get(id)?.granted.length ?? 0) +
                (this.#states.get(id)?.revoked.length ?? 0) >=
              MAX_ENTRIES
            ? `${id} has ${MAX_ENTRIES} grants and revocations already`
            : undefined;
    if (wrong !== undefined) throw createError('permission/invalid', wrong, { plugin: id });
  }

  #add(
    id: string,
    state: State,
    list: 'granted' | 'revoked',
    permission: PermissionName,
    scope: string,
    { for: time = Number.POSITIVE_INFINITY, asked }: GrantTerms,
  ): void {
    const at = 1 + Math.max(0, ...[...state.granted, ...state.revoked].map((one) => one.at));
    const entry: Entry = { permission, scope, at, lasting: time === Number.POSITIVE_INFINITY };
    const same = state[list].find((one) => one.permission === permission && one.scope === scope);
    same?.alarm?.clear();
    state[list] = [...state[list].filter((one) => one !== same), entry];
    entry.alarm = alarm(() => {
      state[list] = state[list].filter((one) => one !== entry);
      if (this.#closed) return;
      this.#changed(id);
      this.#parts.announce('permission:revoked', {
        plugin: id,
        permission,
        scope,
        ...(asked && { asked }),
      });
    }, time);
  }

  #changed(id: string): void {
    for (const { manifest, set, onChange } of this.#watched.get(id) ?? []) {
      set.replace(this.of(manifest), this.denied(id), this.bounds(manifest));
      onChange();
    }
    this.onChange?.(id);
  }

  #key(id: string): string {
    // No plugin can have this id.
    return `${this.#parts.tenant}\0plinth\0grants\0${id}`;
  }

  /** Writes run one after the other, so that the last state is the kept one. */
  #keep(id: string): Promise<void> {
    const write = async () => {
      const { granted, revoked } = this.#state(id);
      const lasting = (entries: readonly Entry[]) =>
        entries.flatMap(({ permission, scope, at, lasting: keeps }) =>
          keeps ? [[permission, scope, at]] : [],
        );
      try {
        await this.#parts.storage.set(this.#key(id), {
          format: FORMAT,
          granted: lasting(granted),
          revoked: lasting(revoked),
        });
      } catch (cause) {
        throw createError(
          'storage/failed',
          `the grants of ${id} hold now, and could not be kept: ${messageOf(cause)}`,
          { plugin: id, cause },
        );
      }
    };
    return this.#turns.run(id, write);
  }
}

function stateOf(kept: unknown): State {
  const { format, granted, revoked } = (kept ?? {}) as {
    readonly format?: unknown;
    readonly granted?: unknown;
    readonly revoked?: unknown;
  };
  if (format !== FORMAT)
    throw createError(
      'registry/newer-format',
      `they have format ${String(format)}, this version knows ${FORMAT}`,
    );
  const entries = (list: unknown): Entry[] => {
    if (!Array.isArray(list)) throw new TypeError('they are not a list');
    return list.map((one: unknown) => {
      const [permission, scope, at] = one as [PermissionName, string, number];
      if (
        !PERMISSION_NAMES.includes(permission) ||
        typeof scope !== 'string' ||
        !Number.isSafeInteger(at)
      )
        throw new TypeError('one of them is malformed');
      return { permission, scope, at, lasting: true };
    });
  };
  return { granted: entries(granted), revoked: entries(revoked) };
}

/** The entries that a scope doesn't cover. */
function without(entries: readonly Entry[], permission: PermissionName, scope: string): Entry[] {
  return entries.filter((entry) => {
    const covered = entry.permission === permission && scopeCovers(permission, scope, entry.scope);
    if (covered) entry.alarm?.clear();
    return !covered;
  });
}

function extended(
  permissions: Permissions,
  granted: readonly Pick<Entry, 'permission' | 'scope'>[],
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
