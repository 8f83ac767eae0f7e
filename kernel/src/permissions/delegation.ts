/** Acting for others: no caller gains rights through another plugin. */
import {
  type Caller,
  createError,
  type Manifest,
  type PermissionName,
  scopesOf,
} from '@plinth/sdk/contract';
import type { PermissionSet } from './broker.js';

/**
 * Whose rights apply when a plugin acts on a caller's behalf. `intersect`: the rights that all in
 * the call chain have. `own`: its own rights. `strict`: like `intersect`, and an action without a
 * known call needs the rights of all open calls.
 */
export type ChainPolicy = 'intersect' | 'strict' | 'own';

/** The part of a call that is needed to walk a call chain. */
export interface ChainLink {
  readonly caller: Caller;
  readonly parent: ChainLink | undefined;
  /** The calls that one without a parent was made for, such as one that has ended. */
  readonly madeFor: readonly ChainLink[] | undefined;
}

/** Every call in the chains of calls, each once: parents, and what those without one stand for. */
export function chainOf(calls: readonly ChainLink[]): ReadonlySet<ChainLink> {
  const links = new Set(calls);
  // A set goes on to what is added while it is walked.
  for (const { parent, madeFor } of links)
    for (const above of parent === undefined ? (madeFor ?? []) : [parent]) links.add(above);
  return links;
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

/** Owns the rights of running plugins, by caller. */
export class Delegation {
  readonly #chain: ChainPolicy | undefined;
  /** The rights of guests, by their caller objects. */
  readonly #callers = new WeakMap<Caller, PermissionSet>();
  readonly #manifests = new WeakMap<Caller, Manifest>();

  constructor(chain: ChainPolicy | undefined) {
    this.#chain = chain;
  }

  /** A guest calls from now on. */
  add(manifest: Manifest, caller: Caller, set: PermissionSet): void {
    this.#callers.set(caller, set);
    this.#manifests.set(caller, manifest);
  }

  /** Whether an action without a known call needs the rights of all open calls. */
  get strict(): boolean {
    return this.#chain === 'strict';
  }

  /**
   * Finds the first caller in call chains that lacks the right for an action, or has exhausted its
   * rate. Undefined when all callers may. The use is counted for each of them. A plugin may always
   * use for others what is its own.
   */
  lacking(
    chains: readonly ChainLink[],
    actor: string,
    permission: PermissionName,
    scope: string,
  ): Lacking | undefined {
    if (this.#chain === 'own' || scope.startsWith(`${actor}:`)) return undefined;
    let counted: PermissionSet[] | undefined;
    for (const { caller } of chainOf(chains)) {
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
    if (this.#chain === 'own') return true;
    for (const { caller } of chainOf(calls))
      if (this.#callers.get(caller)?.check(permission, scope) === false) return false;
    return true;
  }

  /** Whether all callers of calls that are plugins have rights that satisfy a condition. */
  allFor(calls: readonly ChainLink[], holds: (rights: PermissionSet) => boolean): boolean {
    if (this.#chain === 'own') return true;
    for (const { caller } of chainOf(calls)) {
      const rights = this.#callers.get(caller);
      if (rights !== undefined && !holds(rights)) return false;
    }
    return true;
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

  /** Whether a guest has no right that its callers need, too. Calls then need no check here. */
  isLeaf({ grants }: PermissionSet): boolean {
    return (
      this.#chain === 'own' ||
      DELEGATED.every((permission) => scopesOf(grants, permission).length === 0)
    );
  }
}
