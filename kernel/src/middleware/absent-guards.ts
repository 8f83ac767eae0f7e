/**
 * Guards that can't answer. A plugin's middleware, and its handlers of deciding hooks, are known
 * from its rights before it runs. Calls that they guard wait for them until the operator disables
 * or uninstalls the plugin. A guard that was never started is started by the first call it guards.
 */
import {
  byExactness,
  covers,
  type Manifest,
  type PermissionName,
  parseRight,
  scopesOf,
} from '@plinth/sdk/contract';
import { type Absence, guardUnavailable, type LayerName } from '../calls/layers.js';
import { MAX_WAITING } from '../calls/most-waiting.js';
import type { PermissionSet } from '../permissions/broker.js';

/** What is guarded: a target of middleware, or a hook whose answers decide. */
export type GuardedKind = 'command' | 'event' | 'hook';

/** A plugin that may be a guard, as the lifecycle sees it. */
export interface GuardCandidate {
  readonly id: string;
  readonly manifest: Manifest;
  /** Whether its middleware and handlers are in place: it runs, or is suspended. */
  readonly present: boolean;
  /** Starts it when only a call would; does nothing otherwise. */
  wake(activation: string): void;
  /** Why it doesn't run at the moment. */
  absence(): Absence;
}

/** What is needed of the kernel. */
export interface GuardServices {
  /** Whether discovery is in progress. Until it is done, any plugin may be a guard. */
  isOpening(): boolean;
  /** Every enabled plugin. */
  candidates(): readonly GuardCandidate[];
  /** The granted rights of a plugin, without the revoked ones. */
  rights(manifest: Manifest): Pick<PermissionSet, 'grants' | 'check'>;
  /** Why a plugin can't answer, whether it guards anything or not. */
  absenceOf(id: string): Absence;
  /** A call skips an optional guard that can't answer. */
  passed(guard: GuardCandidate, kind: GuardedKind, id: string): void;
}

/** Whether the handlers of a plugin are asked. */
type Meant = (owner: string) => boolean;

/** A call or event that waits for guards. */
interface Waiter {
  readonly kind: GuardedKind;
  readonly id: string;
  readonly callers: ReadonlySet<string>;
  readonly meant?: Meant | undefined;
  readonly over: () => boolean;
  go(): void;
  fail(error: Error): void;
}

interface Guard {
  readonly plugin: GuardCandidate;
  /** The middleware targets that it may use, and the hooks that it may handle. */
  readonly wraps: readonly string[];
  readonly decides: readonly string[];
  readonly rights: Pick<PermissionSet, 'check'>;
}

/** Owns the calls that wait for guards. It decides nothing about plugins. */
export class AbsentGuards {
  readonly #services: GuardServices;
  #absent: readonly Guard[] | undefined;
  /** In the order of arrival. */
  #waiting: Waiter[] = [];
  /** Skipped guards that were announced, by guard and id, until the guard is back. */
  readonly #told = new Set<string>();
  #closing = false;
  #why: Error | undefined;

  constructor(services: GuardServices) {
    this.#services = services;
  }

  absenceOf(id: string): Absence {
    return this.#services.absenceOf(id);
  }

  /** Whether any guard is absent. */
  get any(): boolean {
    return this.#services.isOpening() || this.#all().length > 0;
  }

  /** Whether a call of an id has to check for absent guards. */
  concerns(kind: GuardedKind, id: string): boolean {
    return (
      this.#services.isOpening() ||
      this.#all().some((guard) => guards(guard, kind, id) !== undefined)
    );
  }

  /**
   * The absent guard that a call has to wait for. Undefined when there is none. Optional guards are
   * skipped, which is announced once until they are back.
   *
   * @param callers the ids of the plugins in the call chain: a guard never waits for itself.
   * @param meant the plugins that are asked; all when absent.
   */
  missing(
    kind: GuardedKind,
    id: string,
    callers: ReadonlySet<string>,
    meant?: Meant,
  ): LayerName | undefined {
    if (this.#services.isOpening()) return UNKNOWN;
    let found: LayerName | undefined;
    for (const guard of this.#all()) {
      const { plugin } = guard;
      const how =
        callers.has(plugin.id) || meant?.(plugin.id) === false
          ? undefined
          : guards(guard, kind, id);
      if (how === 'optional') this.#tell(plugin, kind, id);
      else if (how === 'needed') {
        found ??= { name: plugin.id, owner: plugin.id, absence: () => plugin.absence() };
        plugin.wake(`middleware:${kind}:${id}`);
      }
    }
    return found;
  }

  /**
   * What a plugin is to an id now: a guard that is there, one that is absent, or none, because it was
   * disabled or uninstalled, or has lost the right.
   */
  standing(owner: string, kind: GuardedKind, id: string): 'present' | 'absent' | 'none' {
    const isGuard = (guard: Guard) =>
      guard.plugin.id === owner && guards(guard, kind, id) !== undefined;
    if (this.#all().some(isGuard)) return 'absent';
    return this.#services
      .candidates()
      .map((one) => this.#guardOf(one))
      .some(isGuard)
      ? 'present'
      : 'none';
  }

  /** Queues a waiter until no guard is missing. Returns false when the queue is full. */
  wait(waiter: Waiter): boolean {
    if (this.#closing) this.#refuse(waiter);
    if (this.#closing) return true;
    if (this.#waiting.length >= MAX_WAITING)
      this.#waiting = this.#waiting.filter(({ over }) => !over());
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(waiter);
    return true;
  }

  /**
   * A plugin that may be a guard, or its rights, have changed. The absent guards are computed again
   * on the next request.
   */
  forget(): void {
    this.#absent = undefined;
  }

  /** Continues waiters without a missing guard, in order. */
  release(): void {
    const absent = new Set(this.#all().map(({ plugin }) => plugin.id));
    for (const told of this.#told)
      if (!absent.has(told.slice(0, told.indexOf(' ')))) this.#told.delete(told);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (waiter.over()) continue;
      const { kind, id, callers, meant } = waiter;
      if (this.missing(kind, id, callers, meant) === undefined) waiter.go();
      else this.#waiting.push(waiter);
    }
  }

  /**
   * No guard comes or comes back, so waiting calls fail now.
   *
   * @param why the error for them. Absent when the kernel stops.
   */
  close(why?: Error): void {
    this.#closing = true;
    this.#why = why;
    for (const waiter of this.#waiting.splice(0)) if (!waiter.over()) this.#refuse(waiter);
  }

  #refuse({ kind, id, callers, meant, fail }: Waiter): void {
    if (this.#why !== undefined) return fail(this.#why);
    const missing = this.missing(kind, id, callers, meant);
    if (missing !== undefined)
      fail(guardUnavailable(`the kernel stops, and ${id} waits for`, missing, { [kind]: id }));
  }

  #tell(guard: GuardCandidate, kind: GuardedKind, id: string): void {
    const once = `${guard.id} ${kind} ${id}`;
    if (this.#told.has(once) || this.#told.size >= MAX_WAITING) return;
    this.#told.add(once);
    this.#services.passed(guard, kind, id);
  }

  #all(): readonly Guard[] {
    if (this.#absent !== undefined) return this.#absent;
    const candidates = this.#services.candidates();
    // Another version of the same plugin guards as well.
    const present = new Set(candidates.flatMap((one) => (one.present ? [one.id] : [])));
    this.#absent = candidates.flatMap((plugin) => {
      if (present.has(plugin.id)) return [];
      const guard = this.#guardOf(plugin);
      return guard.wraps.length + guard.decides.length === 0 ? [] : [guard];
    });
    return this.#absent;
  }

  #guardOf(plugin: GuardCandidate): Guard {
    const rights = this.#services.rights(plugin.manifest);
    const scopes = (name: PermissionName) =>
      scopesOf(rights.grants, name).flatMap((text) => parseRight(name, text)?.scope ?? []);
    return { plugin, wraps: scopes('middleware.use'), decides: scopes('hooks.handle'), rights };
  }
}

/** The guard that calls wait for during discovery. */
const UNKNOWN: LayerName = {
  name: 'of plugins',
  owner: 'host',
  absence: () => ({
    state: 'unknown',
    because: 'the kernel is still finding out which plugins there are',
  }),
};

/** Whether a plugin may be a guard, judged by the permissions in its manifest. */
export function mayGuard({ permissions }: Manifest): boolean {
  return (
    (permissions.middleware?.use?.length ?? 0) > 0 || (permissions.hooks?.handle?.length ?? 0) > 0
  );
}

/**
 * Whether a plugin guards an id, and whether it may be skipped. The longest matching target in the
 * manifest decides.
 */
function guards(
  { plugin, wraps, decides, rights }: Guard,
  kind: GuardedKind,
  id: string,
): 'needed' | 'optional' | undefined {
  if (kind === 'hook')
    return decides.some((scope) => covers(scope, id)) && rights.check('hooks.handle', id)
      ? 'needed'
      : undefined;
  const target = `${kind}:${id}`;
  if (!wraps.some((scope) => covers(scope, target)) || !rights.check('middleware.use', target))
    return undefined;
  const stated = (plugin.manifest.contributes.middleware ?? []).filter((one) =>
    covers(one.target, target),
  );
  const [nearest] = stated.sort((a, b) => byExactness(b.target, a.target));
  return nearest?.optional === true ? 'optional' : 'needed';
}
