/**
 * What was granted to plugins and revoked beside their manifests, and what they were refused, in
 * memory and in the storage.
 */
import {
  alarm,
  createError,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  scopeCovers,
} from '@plinth/sdk/contract';
import { KeyedQueue } from '../../concurrency.js';
import type { StorageAdapter } from '../../host.js';
import type { Denied } from '../../permissions/broker.js';
import { deniedOf } from '../../permissions/denied.js';
import {
  type GrantOptions,
  type GrantRecords,
  type GrantTerms,
  grantKey,
  type RefusedRight,
} from '../../permissions/grant-records.js';
import type { Announce } from '../../reporting.js';
import type { Log } from '../../telemetry/logger.js';
import { type Entry, keptOf, problemOf, type State, stateOf } from './grant-entry.js';
import { beyond, counting, withRefusal } from './refusals.js';

/** What the book needs of the kernel. */
export interface GrantBookParts {
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly announce: Announce;
  /** The rights of a plugin have changed. */
  changed(id: string): void;
}

/** The most grants and revocations of one plugin. */
const MAX_ENTRIES = 1_024;
const NOTHING: State = { granted: [], revoked: [], refused: [] };

/** Owns the grants and revocations of one tenant. */
export class GrantBook implements GrantRecords {
  readonly #parts: GrantBookParts;
  readonly #states = new Map<string, State>();
  readonly #turns = new KeyedQueue();
  #closed = false;

  constructor(parts: GrantBookParts) {
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
            refused: [],
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

  /** Whether anything was granted or revoked. */
  has(id: string): boolean {
    const { granted, revoked } = this.#states.get(id) ?? NOTHING;
    return granted.length + revoked.length > 0;
  }

  /** What was granted. */
  granted(id: string): readonly Entry[] {
    return this.#states.get(id)?.granted ?? [];
  }

  /** The scopes that were revoked. */
  denied(id: string): Denied {
    const { revoked, granted } = this.#state(id);
    return deniedOf(revoked, granted);
  }

  /**
   * Grants a right at once. Resolves when that is kept. One that a plugin has asked for is taken back
   * when it can't be kept, as the plugin is then told no.
   *
   * @throws PluginError `storage/failed`.
   */
  async grant(
    id: string,
    permission: PermissionName,
    scope: string,
    options: GrantTerms,
  ): Promise<void> {
    const state = this.#state(id);
    const before = state.revoked;
    // A temporary grant only hides a revocation, which applies again afterwards.
    if (options.for === undefined) state.revoked = without(state.revoked, permission, scope);
    const gone = before.filter((one) => !state.revoked.includes(one));
    state.refused = beyond(state.refused, permission, scope);
    const entry = this.#add(id, state, 'granted', permission, scope, options);
    this.#parts.changed(id);
    this.#parts.announce('permission:granted', {
      plugin: id,
      permission,
      scope,
      ...(options.for !== undefined && { for: options.for }),
      ...(options.asked && { asked: true }),
    });
    if (!options.asked) return this.#keep(id);
    await this.#keep(id, 'are taken back, and').catch((error: unknown) => {
      // Unless it was revoked meanwhile.
      if (state.granted.includes(entry)) {
        state.revoked = [...state.revoked, ...gone];
        this.#end(id, 'granted', entry, true);
      }
      throw error;
    });
  }

  /** Revokes a right at once, and closes what was opened under it. Resolves when that is kept. */
  async revoke(id: string, permission: PermissionName, scope: string): Promise<void> {
    this.check(id, permission, scope, {}, 'revoked');
    const state = this.#state(id);
    state.granted = without(state.granted, permission, scope);
    this.#add(id, state, 'revoked', permission, scope, {});
    this.#parts.changed(id);
    this.#parts.announce('permission:revoked', { plugin: id, permission, scope });
    await this.#keep(id);
  }

  /** The requests that are answered no without being asked again. */
  refused(id: string): readonly RefusedRight[] {
    return counting(this.#states.get(id)?.refused ?? []).map(({ until: _, ...right }) => right);
  }

  /** Remembers a no. Resolves when one without end is kept. */
  async refuse(id: string, right: RefusedRight, time: number): Promise<void> {
    const state = this.#state(id);
    state.refused = withRefusal(state.refused, right, time);
    if (time === Number.POSITIVE_INFINITY) await this.#keep(id);
  }

  /** Forgets the refusals that a scope covers, or all. Resolves when that is kept. */
  async forget(id: string, permission?: PermissionName, of?: string): Promise<void> {
    const state = this.#states.get(id);
    const scope = of === undefined ? '*' : of;
    // A scope is of a permission: one alone must not stand for all.
    const all = permission === undefined && of === undefined;
    const wrong = all ? undefined : problemOf(permission, scope);
    if (wrong !== undefined) throw createError('permission/invalid', wrong, { plugin: id });
    if (state === undefined) return;
    const left = beyond(state.refused, permission, scope);
    if (left.length === state.refused.length) return;
    const gone = counting(state.refused).filter((one) => !left.includes(one));
    state.refused = left;
    for (const { permission: name, scope: one } of gone)
      this.#parts.announce('permission:forgotten', { plugin: id, permission: name, scope: one });
    await this.#keep(id);
  }

  /** Deletes the grants, revocations and refusals of a plugin. */
  async purge(id: string): Promise<void> {
    const state = this.#states.get(id);
    if (state === undefined) return;
    for (const permission of PERMISSION_NAMES)
      for (const list of ['granted', 'revoked'] as const)
        state[list] = without(state[list], permission, '*');
    this.#states.delete(id);
    this.#parts.changed(id);
    const deleted = this.#turns.run(id, () => this.#parts.storage.delete(this.#key(id)));
    await deleted.catch((cause: unknown) => {
      throw createError(
        'storage/failed',
        `the grants of ${id} are gone now, and could not be deleted: ${messageOf(cause)}`,
        { plugin: id, cause },
      );
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { granted, revoked } of this.#states.values())
      for (const { alarm: end } of [...granted, ...revoked]) end?.clear();
    await this.#turns.idle();
  }

  #state(id: string): State {
    const state = this.#states.get(id) ?? { ...NOTHING };
    this.#states.set(id, state);
    return state;
  }

  /**
   * Grants that fill the list leave room for revocations.
   *
   * @throws PluginValidationError `permission/invalid`.
   */
  check(
    id: string,
    permission: PermissionName,
    scope: string,
    { for: time }: GrantOptions,
    list: 'granted' | 'revoked' = 'granted',
  ): void {
    const { granted, revoked } = this.#states.get(id) ?? NOTHING;
    const count = revoked.length + (list === 'granted' ? granted.length : 0);
    const full =
      count < MAX_ENTRIES ? undefined : `${id} has ${MAX_ENTRIES} grants and revocations already`;
    const wrong = problemOf(permission, scope, time) ?? full;
    if (wrong !== undefined) throw createError('permission/invalid', wrong, { plugin: id });
  }

  #add(
    id: string,
    state: State,
    list: 'granted' | 'revoked',
    permission: PermissionName,
    scope: string,
    { for: time = Number.POSITIVE_INFINITY, asked }: GrantTerms,
  ): Entry {
    const at = 1 + Math.max(0, ...[...state.granted, ...state.revoked].map((one) => one.at));
    const entry: Entry = { permission, scope, at, lasting: time === Number.POSITIVE_INFINITY };
    const same = state[list].find((one) => one.permission === permission && one.scope === scope);
    same?.alarm?.clear();
    state[list] = [...state[list].filter((one) => one !== same), entry];
    entry.alarm = alarm(() => this.#end(id, list, entry, asked), time);
    return entry;
  }

  /** Ends a decision that has had its time, or that couldn't be kept. */
  #end(id: string, list: 'granted' | 'revoked', entry: Entry, asked: boolean | undefined): void {
    const state = this.#state(id);
    const { permission, scope } = entry;
    entry.alarm?.clear();
    state[list] = state[list].filter((one) => one !== entry);
    if (this.#closed) return;
    this.#parts.changed(id);
    this.#parts.announce('permission:revoked', {
      plugin: id,
      permission,
      scope,
      ...(asked && { asked }),
    });
  }

  #key(id: string): string {
    return grantKey(this.#parts.tenant, id);
  }

  /** Writes run one after the other, so that the last state is the kept one. */
  #keep(id: string, otherwise = 'hold now, and'): Promise<void> {
    const write = async () => {
      try {
        await this.#parts.storage.set(this.#key(id), keptOf(this.#state(id)));
      } catch (cause) {
        throw createError(
          'storage/failed',
          `the decisions about ${id} ${otherwise} could not be kept: ${messageOf(cause)}`,
          { plugin: id, cause },
        );
      }
    };
    return this.#turns.run(id, write);
  }
}

/** The entries that a scope doesn't cover. */
function without(entries: readonly Entry[], permission: PermissionName, scope: string): Entry[] {
  return entries.filter((entry) => {
    const covered = entry.permission === permission && scopeCovers(permission, scope, entry.scope);
    if (covered) entry.alarm?.clear();
    return !covered;
  });
}
