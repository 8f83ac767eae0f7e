/** Which commands have a policy. Those that have none cost nothing; the others load what runs it with their first call. */
import { type Caller, createError } from '@plinth/sdk/contract';
import { type CallServices, type CallTarget, KernelCall } from '../commands/call.js';
import type { LaneTarget } from '../guests/lane-end.js';
import type { KernelEvents } from '../events/kernel-events.js';
import type { BreakerState, Engine } from './engine.js';
import type { Gate } from './gate.js';
import { type CallPolicy, type DecidedPolicy, type DeclaredPolicy, policyFor, type ResilienceOptions } from './policy.js';

/** A command that is to be guarded. */
export interface GuardedTarget extends CallTarget {
  readonly owner: string;
  readonly version?: string | undefined;
  readonly at?: LaneTarget | undefined;
}

/** Gives an attempt to whoever answers now: a call that has waited or is tried again may find its plugin reloaded, asleep or restarted. */
export type Attempt = (call: KernelCall, input: unknown) => void;

interface Guard {
  readonly version: string | undefined;
  readonly policy: string;
  engine: Promise<Engine> | undefined;
  breaker: BreakerState;
}

/** How many calls of a plugin may be under way at once, and where the others wait. */
interface Room {
  limit: number;
  gate: Promise<Gate> | undefined;
}

/** Owns the policies of a tenant's commands; breakers, rates and answers outlive a reload of the same version. */
export class Guards {
  readonly #options: ResilienceOptions;
  readonly #announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void;
  readonly #guards = new Map<string, Guard>();
  /** By plugin and version: one that is reloaded or sleeps keeps its queue. */
  readonly #rooms = new Map<string, Room>();

  constructor(options: ResilienceOptions | undefined, announce: <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => void) {
    this.#options = options ?? {};
    this.#announce = announce;
  }

  /** How the breaker of a command is; undefined when it has none. */
  breaker(id: string): BreakerState | undefined {
    return this.#guards.get(id)?.breaker;
  }

  /** What answers in the place of a command that nobody answers. */
  fallback(id: string): CallPolicy['fallback'] {
    return policyFor(id, this.#options, { idempotent: false })?.fallback;
  }

  /** The target that calls of a command go to in its place; undefined when it has no policy, and its plugin takes all calls at once. */
  guard(target: GuardedTarget, declared: DeclaredPolicy, services: CallServices, provide: Attempt): CallTarget | undefined {
    const policy = policyFor(target.id, this.#options, declared);
    const room = this.#roomOf(target);
    const enter = (call: KernelCall, above: KernelCall | undefined, input: unknown) => {
      if (room === undefined) return provide(call, input);
      // One promise for all of its commands, so that calls stay in their order.
      room.gate ??= import('./gate.js').then(({ Gate: Made }) => new Made(target.owner, room));
      room.gate.then((gate) => gate.enter(call, above, () => provide(call, input))).catch((error: unknown) => call.settle(false, error));
    };
    if (policy === undefined) return room && { ...target, provider: (call, input) => enter(call, call.parent, input) };
    const guard = this.#guardOf(target, policy);
    // Attempts are part of one call: that one is counted.
    const { timeout } = policy;
    const attempts: CallTarget = { ...target, counter: undefined, services: { ...services, settled() {} }, timeout: shorter(target.timeout, timeout) };
    return {
      ...target,
      provider: (call, input) => {
        if (policy.requiresAuth && call.user === undefined) {
          call.settle(false, createError('call/unauthenticated', `${target.id} needs a user, and the call has none`, { plugin: target.owner, details: { command: target.id } }));
          return;
        }
        const attempt = () => {
          const one = new KernelCall(attempts, call.caller, { parent: call });
          one.route = call.route;
          enter(one, call.parent, input);
          return one.promise;
        };
        this.#engineOf(guard, target, policy)
          .then((engine) => engine.run({ input, caller: nameOf(call.caller), user: call.user, signal: call.signal, attempt }))
          .then(
            (value) => call.settle(true, value),
            (error: unknown) => call.settle(false, error),
          );
      },
    };
  }

  /** What a guest that sleeps has registered keeps the queue that it had. */
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
const shorter = (a: number | undefined, b: number | undefined) => (a === undefined ? b : b === undefined ? a : Math.min(a, b));
