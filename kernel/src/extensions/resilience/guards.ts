/**
 * Finds which commands have a policy. Commands without one cost nothing. The others load the policy
 * code with their first call.
 */
import { type Caller, createError } from '@plinth/sdk/contract';
import { Call } from '../../calls/call.js';
import type { CallServices, CallTarget, KernelCall } from '../../calls/kernel-call.js';
import type {
  Attempt,
  CommandGuards,
  DeclaredPolicy,
  GuardedTarget,
} from '../../commands/command-guards.js';
import type { KernelEvents } from '../../kernel-events.js';
import type { BreakerState, Engine } from './engine.js';
import type { Gate } from './gate.js';
import {
  type CallPolicy,
  type CommandDefaults,
  type DecidedPolicy,
  policyFor,
  type ResilienceOptions,
} from './policy.js';

/** Lets a call into a plugin. `above` is the call that it is a part of. */
type Enter = (call: KernelCall, above: KernelCall | undefined, input: unknown) => void;

interface Guard {
  readonly version: string | undefined;
  readonly policy: string;
  engine: Promise<Engine> | undefined;
  breaker: BreakerState;
}

/** How many calls of a plugin may run at once, and the gate at which the others wait. */
interface Room {
  limit: number;
  gate: Promise<Gate> | undefined;
}

/**
 * Owns the policies of a tenant's commands. Breakers, rates and cached answers survive a reload of
 * the same version.
 */
export class Guards implements CommandGuards {
  readonly #options: ResilienceOptions;
  readonly #defaults: CommandDefaults | undefined;
  readonly #announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;
  readonly #guards = new Map<string, Guard>();
  /** By plugin and version. A plugin that is reloaded or sleeps keeps its queue. */
  readonly #rooms = new Map<string, Room>();

  constructor(
    options: ResilienceOptions | undefined,
    announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void,
    defaults?: CommandDefaults,
  ) {
    this.#options = options ?? {};
    this.#defaults = defaults;
    this.#announce = announce;
  }

  /** The state of a command's breaker. Undefined when it has none. */
  breaker(id: string): BreakerState | undefined {
    return this.#guards.get(id)?.breaker;
  }

  /** The fallback for a command that no plugin answers. */
  fallback(id: string): CallPolicy['fallback'] {
    return policyFor(id, this.#options, { idempotent: false })?.fallback;
  }

  /**
   * The guarded target that replaces a command's target. Undefined when the command has no policy
   * and its plugin takes all calls at once.
   */
  guard(
    target: GuardedTarget,
    declared: DeclaredPolicy,
    services: CallServices,
    provide: Attempt,
  ): CallTarget | undefined {
    // The application guards the commands that it registers itself.
    const policy = policyFor(
      target.id,
      this.#options,
      declared,
      target.owner === 'host' ? undefined : this.#defaults,
    );
    const room = this.#entering(target, provide);
    const enter: Enter = room ?? ((call, _above, input) => provide(call, input));
    if (policy !== undefined) return this.#decided(target, policy, services, enter);
    if (room === undefined) return undefined;
    return { ...target, provider: (call, input) => enter(call, call.parent, input) };
  }

  /** Lets calls into the plugin's room, where its calls are bounded. */
  #entering(target: GuardedTarget, provide: Attempt): Enter | undefined {
    const room = this.#roomOf(target);
    if (room === undefined) return undefined;
    return (call, above, input) => {
      // All commands share one promise, so that calls stay in order.
      room.gate ??= import('./gate.js').then(({ Gate: Made }) => new Made(target.owner, room));
      room.gate
        .then((gate) => gate.enter(call, above, () => provide(call, input)))
        .catch((error: unknown) => call.settle(false, error));
    };
  }

  /** The target whose calls run under a policy. */
  #decided(
    target: GuardedTarget,
    policy: DecidedPolicy,
    services: CallServices,
    enter: Enter,
  ): CallTarget {
    const guard = this.#guardOf(target, policy);
    // Attempts are part of one call, and only the call is counted.
    const attempts: CallTarget = {
      ...target,
      counter: undefined,
      services: { ...services, settled() {} },
      timeout: shorter(target.timeout, policy.timeout),
    };
    return {
      ...target,
      provider: (call, input) => {
        if (policy.requiresAuth && call.user === undefined) {
          call.settle(false, unauthenticated(target));
          return;
        }
        const attempt = () => {
          const one = new Call(attempts, call.caller, { parent: call });
          one.route = call.route;
          enter(one, call.parent, input);
          return one.promise;
        };
        const { user, signal } = call;
        this.#engineOf(guard, target, policy)
          .then((engine) =>
            engine.run({ input, caller: nameOf(call.caller), user, signal, attempt }),
          )
          .then(
            (value) => call.settle(true, value),
            (error: unknown) => call.settle(false, error),
          );
      },
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

  #guardOf({ id, version }: GuardedTarget, policy: DecidedPolicy): Guard {
    const text = JSON.stringify(policy);
    const known = this.#guards.get(id);
    if (known !== undefined && known.version === version && known.policy === text) return known;
    const guard: Guard = { version, policy: text, engine: undefined, breaker: 'closed' };
    this.#guards.set(id, guard);
    return guard;
  }

  #engineOf(guard: Guard, { id, owner }: GuardedTarget, policy: DecidedPolicy): Promise<Engine> {
    guard.engine ??= import('./engine.js').then(
      ({ Engine: Made }) =>
        new Made(id, owner, policy, (state) => {
          guard.breaker = state;
          this.#announce('call:circuit-changed', { command: id, state });
        }),
    );
    return guard.engine;
  }
}

const nameOf = ({ kind, id, version }: Caller) => (kind === 'host' ? 'host' : `${id}@${version}`);
const shorter = (a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);
const unauthenticated = ({ id, owner }: GuardedTarget) =>
  createError('call/unauthenticated', `${id} needs a user, and the call has none`, {
    plugin: owner,
    details: { command: id },
  });
