/**
 * What stands between a command and its provider: the policies of an extension, and how many calls
 * of a plugin may run at once. A command without either costs nothing.
 */
import type { CallServices, CallTarget, KernelCall } from '../calls/kernel-call.js';
import {
  type Attempt,
  type CommandGuards,
  type DeclaredPolicy,
  type Enter,
  type GuardedTarget,
  NO_GUARDS,
} from './command-guards.js';
import type { Gate } from './gate.js';

/** How many calls of a plugin may run at once, and the gate at which the others wait. */
interface Room {
  limit: number;
  gate: Promise<Gate> | undefined;
}

/** Owns the rooms of a tenant's plugins. */
export class Entrance {
  /** The policies around commands. An extension replaces them before the first command is there. */
  guards: CommandGuards = NO_GUARDS;
  /** By plugin and version. A plugin that is reloaded or sleeps keeps its queue. */
  readonly #rooms = new Map<string, Room>();

  /** The guarded target that replaces a command's target. Undefined when nothing guards it. */
  guard(
    target: GuardedTarget,
    declared: DeclaredPolicy,
    services: CallServices,
    provide: Attempt,
  ): CallTarget | undefined {
    const room = this.#entering(target, provide);
    const enter: Enter = room ?? ((call, _above, input) => provide(call, input));
    const guarded = this.guards.guard(target, declared, services, enter);
    if (guarded !== undefined || room === undefined) return guarded;
    return { ...target, provider: (call, input) => enter(call, call.parent, input) };
  }

  /** Answers a call whose plugin can't be started: by what its policy has in store, or as failed. */
  async fallBack(id: string, error: unknown, call: KernelCall, input: unknown): Promise<void> {
    const fallback = this.guards.fallback(id);
    if (fallback === undefined || call.over) {
      call.settle(false, error);
      return;
    }
    try {
      call.settle(true, await fallback(error as Error, input));
    } catch (failure) {
      call.settle(false, failure);
    }
  }

  /** Lets calls into the plugin's room, where its calls are bounded. */
  #entering(target: GuardedTarget, provide: Attempt): Enter | undefined {
    const room = this.#roomOf(target);
    if (room === undefined) return undefined;
    return (call: KernelCall, above, input) => {
      // All commands share one promise, so that calls stay in order.
      room.gate ??= import('./gate.js').then(({ Gate: Made }) => new Made(target.owner, room));
      room.gate
        .then((gate) => gate.enter(call, above, () => provide(call, input)))
        .catch((error: unknown) => call.settle(false, error));
    };
  }

  /** The room of a plugin. The registrations of a sleeping guest keep their queue. */
  #roomOf({ owner, version, at }: GuardedTarget): Room | undefined {
    const key = `${owner}@${version}`;
    const known = this.#rooms.get(key);
    if (at === undefined) return known;
    const limit = at.end.concurrency;
    if (limit === undefined) {
      this.#rooms.delete(key);
      return undefined;
    }
    const room = known ?? { limit, gate: undefined };
    room.limit = limit;
    this.#rooms.set(key, room);
    return room;
  }
}
