/**
 * What plugins may do at this moment. What runs is (what the manifest asks + what was granted) ∩ what policy allows, without what was revoked.
 * A change holds from the next message on, and what was opened under a right that is gone is closed.
 */
import {
  type Caller,
  createError,
  type Manifest,
  messageOf,
  parseRight,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';
import type { KernelEvents } from '../events/kernel-events.js';
import type { Log } from '../telemetry/logger.js';
import { ceilingOf, type Denied, type DeniedScope, grantsOf, membersOf, type PermissionPolicy, type PermissionSet, type RightBounds, SERVICE_PERMISSIONS } from './broker.js';
import type { RateBucket } from './rate.js';

/** How long a right is given. */
export interface GrantOptions {
  /** Milliseconds after which it is gone; it stays, also after a restart, when absent. */
  readonly for?: number;
}

/**
 * With whose rights a plugin does what it does for another: with those that all in the chain of calls have, or with its own.
 */
export type ChainPolicy = 'intersect' | 'own';

/** A call, as far as a chain of them is looked at. */
export interface ChainLink {
  readonly caller: Caller;
  readonly parent: ChainLink | undefined;
}

/** Who in a chain of calls is in the way, and why. */
export interface Lacking {
  readonly caller: Caller;
  readonly why: 'denied' | 'rate';
}

/** What may be done for others; storage and secrets are always a plugin's own. */
const DELEGATED: readonly PermissionName[] = ['commands.execute', 'events.emit', 'hooks.call', 'messaging.send', 'network.fetch'];

/** What grants need of the kernel. */
export interface GrantsParts {
  readonly policy: PermissionPolicy | undefined;
  readonly chain: ChainPolicy | undefined;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

interface Entry {
  readonly permission: PermissionName;
  readonly scope: string;
  /** Its place in the order of grants and revocations of its plugin: the later one counts. */
  readonly at: number;
  /** Whether it is kept. */
  readonly lasting: boolean;
  timer?: number | undefined;
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

/** How grants are kept. */
const FORMAT = 1;
/** Grants and revocations of one plugin. */
const MAX_ENTRIES = 1_024;
const MAX_SCOPE = 1_024;
/** Longest a timer waits, in milliseconds. */
const MAX_TIMER = 2_147_483_647;

/** Owns the grants and revocations of one tenant. */
export class Grants {
  readonly #parts: GrantsParts;
  readonly #states = new Map<string, State>();
  readonly #watched = new Map<string, Set<Watched>>();
  readonly #turns = new Map<string, Promise<void>>();
  /** How often rights were used, by plugin. */
  readonly #rates = new Map<string, Map<string, RateBucket>>();
  /** Rights of guests by who they are as callers. */
  readonly #callers = new WeakMap<Caller, PermissionSet>();
  #closed = false;

  constructor(parts: GrantsParts) {
    this.#parts = parts;
  }

  /** Reads what was kept. What can't be read is reported, and gives nobody anything. */
  async open(): Promise<void> {
    const { storage, log } = this.#parts;
    const prefix = this.#key('');
    try {
      for (const key of await storage.keys(prefix)) {
        const id = key.slice(prefix.length);
        try {
          this.#states.set(id, stateOf(await storage.get(key)));
        } catch (error) {
          // Rights that were taken away must not come back because nobody can read it.
          this.#states.set(id, { granted: [], revoked: PERMISSION_NAMES.map((permission) => ({ permission, scope: '*', at: 0, lasting: false })) });
          log.write('kernel', 'error', `the kept grants of ${id} cannot be read, it may do nothing: ${messageOf(error)}`, { plugin: id });
        }
      }
    } catch (error) {
      throw createError('storage/failed', `kept grants could not be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** What a plugin may do now, as a list. */
  of(manifest: Manifest): Permissions {
    return grantsOf(this.#asking(manifest), this.#parts.policy);
  }

  /** What bounds a plugin's rights as a whole. */
  bounds(manifest: Manifest): RightBounds {
    const rates = this.#rates.get(manifest.id) ?? new Map();
    this.#rates.set(manifest.id, rates);
    return { ceiling: ceilingOf(this.#asking(manifest), this.#parts.policy), rates };
  }

  /**
   * Who in a chain of calls may not do something that is about to be done for him, or has done it too often; undefined when all may. It counts
   * for each of them. What is a plugin's own it may always do for others.
   */
  lacking(chain: ChainLink | undefined, actor: string, permission: PermissionName, scope: string): Lacking | undefined {
    if (this.#parts.chain === 'own' || scope.startsWith(`${actor}:`)) return undefined;
    let counted: PermissionSet[] | undefined;
    for (let call = chain; call !== undefined; call = call.parent) {
      const { caller } = call;
      const set = this.#callers.get(caller);
      if (set === undefined || set.isFree(permission, scope)) continue;
      if (!set.check(permission, scope)) return { caller, why: 'denied' };
      // Once for each, however often it is in the chain; for the actor it was counted before.
      if (set.plugin === actor || counted?.includes(set)) continue;
      counted ??= [];
      counted.push(set);
      if (!set.take(permission, scope)) return { caller, why: 'rate' };
    }
    return undefined;
  }

  /** Whether a guest may do nothing for others that they would need rights for: then calls of it need not come by here. */
  isLeaf({ grants }: PermissionSet): boolean {
    return this.#parts.chain === 'own' || DELEGATED.every((permission) => scopesOf(grants, permission).length === 0);
  }

  /** What was taken away again. */
  denied(id: string): Denied {
    const denied = new Map<PermissionName, DeniedScope[]>();
    const { granted, revoked } = this.#state(id);
    for (const { permission, scope, at } of revoked) {
      const except = granted.flatMap((entry) => (entry.permission === permission && entry.at > at ? [entry.scope] : []));
      const deny = (name: PermissionName, one: DeniedScope) => denied.set(name, [...(denied.get(name) ?? []), one]);
      deny(permission, { scope, except });
      // What a service brings goes with it, unless it was given by itself since.
      if (permission === 'services.get')
        for (const name of SERVICE_PERMISSIONS) {
          const given = granted.flatMap((entry) => (entry.permission === name && entry.at > at ? [entry.scope] : []));
          deny(name, { scope: membersOf(scope), except: [...except.map(membersOf), ...given] });
        }
    }
    return denied;
  }

  /** Keeps a guest's rights as they are now; the answer ends that. */
  watch(manifest: Manifest, caller: Caller, set: PermissionSet, onChange: () => void): () => void {
    this.#callers.set(caller, set);
    const watched: Watched = { manifest, set, onChange };
    const all = this.#watched.get(manifest.id) ?? new Set();
    this.#watched.set(manifest.id, all.add(watched));
    return () => {
      all.delete(watched);
      if (all.size === 0 && this.#watched.get(manifest.id) === all) this.#watched.delete(manifest.id);
    };
  }

  /**
   * Gives a plugin a right, at once; resolves when that is kept.
   *
   * @throws PluginPermissionError `permission/denied` when policy doesn't allow it, PluginValidationError `permission/invalid`.
   */
  async grant(manifest: Manifest, permission: PermissionName, scope: string, options: GrantOptions = {}): Promise<void> {
    const { id } = manifest;
    this.#check(id, permission, scope, options);
    if (!this.mayGet(manifest, permission, scope)) {
      throw createError('permission/denied', `${id} cannot be granted ${permission} for '${scope}': policy doesn't allow it`, { plugin: id, details: { permission, scope } });
    }
    const state = this.#state(id);
    // What is lent only covers it up: it holds again afterwards.
    if (options.for === undefined) state.revoked = without(state.revoked, permission, scope);
    this.#add(id, state, 'granted', permission, scope, options);
    this.#changed(id);
    this.#parts.announce('permission:granted', { plugin: id, permission, scope, ...(options.for !== undefined && { for: options.for }) });
    await this.#keep(id);
  }

  /** Takes a right away, at once; resolves when that is kept. What was opened under it is closed. */
  async revoke(id: string, permission: PermissionName, scope: string): Promise<void> {
    this.#check(id, permission, scope, {});
    const state = this.#state(id);
    state.granted = without(state.granted, permission, scope);
    this.#add(id, state, 'revoked', permission, scope, {});
    this.#changed(id);
    this.#parts.announce('permission:revoked', { plugin: id, permission, scope });
    await this.#keep(id);
  }

  /** Whether policy would let a plugin have a right. */
  mayGet(manifest: Manifest, permission: PermissionName, scope: string): boolean {
    const asking = { ...manifest, permissions: extended({}, [{ permission, scope }]), needs: [] };
    return scopesOf(grantsOf(asking, this.#parts.policy), permission).some((one) => scopeCovers(permission, one, scope));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { granted, revoked } of this.#states.values()) for (const { timer } of [...granted, ...revoked]) clearTimeout(timer);
    await Promise.allSettled(this.#turns.values());
  }

  #asking(manifest: Manifest): Manifest {
    const granted = this.#states.get(manifest.id)?.granted ?? [];
    return granted.length === 0 ? manifest : { ...manifest, permissions: extended(manifest.permissions, granted) };
  }

  #state(id: string): State {
    const state = this.#states.get(id) ?? { granted: [], revoked: [] };
    this.#states.set(id, state);
    return state;
  }

  #check(id: string, permission: PermissionName, scope: string, { for: time }: GrantOptions): void {
    const wrong = !PERMISSION_NAMES.includes(permission)
      ? `'${String(permission).slice(0, 64)}' is not a permission`
      : typeof scope !== 'string' || scope === '' || scope.length > MAX_SCOPE || parseRight(permission, scope) === undefined
        ? `'${String(scope).slice(0, 80)}' is not a scope of ${permission}: an exact text, or a prefix that ends in '*', perhaps with a rate, like 'app:* 10/s'`
        : time !== undefined && (typeof time !== 'number' || !(time > 0))
          ? `'for' must be a positive number of milliseconds, not ${String(time)}`
          : (this.#states.get(id)?.granted.length ?? 0) + (this.#states.get(id)?.revoked.length ?? 0) >= MAX_ENTRIES
            ? `${id} has ${MAX_ENTRIES} grants and revocations already`
            : undefined;
    if (wrong !== undefined) throw createError('permission/invalid', wrong, { plugin: id });
  }

  #add(id: string, state: State, list: 'granted' | 'revoked', permission: PermissionName, scope: string, { for: time }: GrantOptions): void {
    const at = 1 + Math.max(0, ...[...state.granted, ...state.revoked].map((one) => one.at));
    const entry: Entry = { permission, scope, at, lasting: time === undefined };
    const same = state[list].find((one) => one.permission === permission && one.scope === scope);
    clearTimeout(same?.timer);
    state[list] = [...state[list].filter((one) => one !== same), entry];
    if (time === undefined) return;
    const end = performance.now() + time;
    const expire = () => {
      const left = end - performance.now();
      if (left > 0) {
        entry.timer = setTimeout(expire, Math.min(left, MAX_TIMER));
        return;
      }
      state[list] = state[list].filter((one) => one !== entry);
      if (this.#closed) return;
      this.#changed(id);
      this.#parts.announce('permission:revoked', { plugin: id, permission, scope });
    };
    entry.timer = setTimeout(expire, Math.min(time, MAX_TIMER));
  }

  #changed(id: string): void {
    for (const { manifest, set, onChange } of this.#watched.get(id) ?? []) {
      set.replace(this.of(manifest), this.denied(id), this.bounds(manifest));
      onChange();
    }
  }

  #key(id: string): string {
    // No plugin is called so.
    return `${this.#parts.tenant}\0plinth\0grants\0${id}`;
  }

  /** Writes follow one another: the last one is what is kept. */
  #keep(id: string): Promise<void> {
    const write = async () => {
      const { granted, revoked } = this.#state(id);
      const lasting = (entries: readonly Entry[]) => entries.flatMap(({ permission, scope, at, lasting: keeps }) => (keeps ? [[permission, scope, at]] : []));
      try {
        await this.#parts.storage.set(this.#key(id), { format: FORMAT, granted: lasting(granted), revoked: lasting(revoked) });
      } catch (cause) {
        throw createError('storage/failed', `the grants of ${id} hold now, and could not be kept: ${messageOf(cause)}`, { plugin: id, cause });
      }
    };
    const run = (this.#turns.get(id) ?? Promise.resolve()).then(write, write);
    const done = run.catch(() => {});
    this.#turns.set(id, done);
    return run;
  }
}

function stateOf(kept: unknown): State {
  const { format, granted, revoked } = (kept ?? {}) as { readonly format?: unknown; readonly granted?: unknown; readonly revoked?: unknown };
  if (format !== FORMAT) throw createError('registry/newer-format', `they have format ${String(format)}, this version knows ${FORMAT}`);
  const entries = (list: unknown): Entry[] => {
    if (!Array.isArray(list)) throw new TypeError('they are not a list');
    return list.map((one: unknown) => {
      const [permission, scope, at] = one as [PermissionName, string, number];
      if (!PERMISSION_NAMES.includes(permission) || typeof scope !== 'string' || !Number.isSafeInteger(at)) throw new TypeError('one of them is malformed');
      return { permission, scope, at, lasting: true };
    });
  };
  return { granted: entries(granted), revoked: entries(revoked) };
}

/** Entries that a scope doesn't cover. */
function without(entries: readonly Entry[], permission: PermissionName, scope: string): Entry[] {
  return entries.filter((entry) => {
    const covered = entry.permission === permission && scopeCovers(permission, scope, entry.scope);
    if (covered) clearTimeout(entry.timer);
    return !covered;
  });
}

function extended(permissions: Permissions, granted: readonly Pick<Entry, 'permission' | 'scope'>[]): Manifest['permissions'] {
  const result = { ...permissions } as Record<string, unknown>;
  for (const { permission, scope } of granted) {
    const [resource, action] = permission.split('.') as [string, string | undefined];
    if (action === undefined) result[resource] = true;
    else if (resource === 'storage' && scope === '*') result[resource] = { ...(result[resource] as object | undefined), [action]: true };
    else {
      const before = result[resource] as Record<string, readonly string[] | boolean> | undefined;
      const had = before?.[action];
      result[resource] = { ...before, [action]: [...(had === true ? ['*'] : had || []), scope] };
    }
  }
  return result as Manifest['permissions'];
}
